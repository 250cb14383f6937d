// Fits the costs of src/cpu/costs.h on this machine and prints them as they stand there: those of FFT stages
// from the times of several hundred chains of stages, those of transfers and vector-radix plans from the
// times of whole planes. For the costs that are committed it says what their choice of chains loses here
// against the fastest ones.
//
//   fit_costs [ROUNDS]
//
// Times are the least of ROUNDS (20), in which all are measured in turn. Give the program a core of its own.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "cpu/costs.h"
#include "cpu/tiles.h"
#include "cpu/vector_radix.h"
#include "fft_lines.h"
#include "least_squares.h"
#include "scatlight/scattering.h"

namespace scatlight {
namespace {

using cpu::FftCosts;

/// An engine of the machine whose vectors have their own costs in costs.h.
struct Target {
  std::string engine;
  const char* name;  ///< in costs.h
  int lanes;
  cpu::FftLines transform_lines;

  int vector_bytes() const { return lanes * static_cast<int>(sizeof(float)); }
};

std::vector<Target> available_targets() {
  std::vector<Target> targets;
  for (const auto& engine : Scattering::available_engines()) {
#ifdef SCATLIGHT_FIT_X86
    if (engine == "avx2") targets.push_back({engine, "narrow", 8, cpu::N_AVX2::transform_lines});
    if (engine == "avx512") targets.push_back({engine, "wide", 16, cpu::N_AVX3::transform_lines});
#else
    if (engine == "neon") targets.push_back({engine, "narrow", 4, cpu::N_NEON::transform_lines});
#endif
  }
  return targets;
}

double nanoseconds_of(const auto& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

// ---- stages of FFTs ----

struct Chain {
  int length;
  std::vector<int> radices;
  double time = std::numeric_limits<double>::infinity();  ///< per element
};

void add_chains(int left, std::vector<int>& radices, std::vector<std::vector<int>>& found) {
  constexpr std::size_t most_stages = 4;
  if (left == 1) return found.push_back(radices);
  if (radices.size() == most_stages) return;
  for (int radix = 2; radix <= left; ++radix) {
    const bool is_prime = [&] {
      for (int p = 2; p * p <= radix; ++p) {
        if (radix % p == 0) return false;
      }
      return true;
    }();
    if (left % radix != 0 || !(cpu::is_compiled(radix) || is_prime)) continue;
    radices.push_back(radix);
    add_chains(left / radix, radices, found);
    radices.pop_back();
  }
}

/// Some chains of each length (34, 51, 76 and 92 for a prime that is not compiled), at random, with the one
/// that the committed costs choose.
std::vector<Chain> chains_to_time(const Target& target) {
  constexpr std::size_t most_of_length = 16;
  std::mt19937 random(0);
  std::vector<Chain> chains;
  for (const int length : {16,  24,  30,  34,  36,  40,  44,  48,  51,  52,  56,  60,  64,  66,  72,
                           76,  80,  84,  90,  92,  96,  104, 112, 120, 128, 132, 144, 156, 160, 168,
                           176, 180, 192, 208, 210, 220, 224, 240, 256, 260, 288, 312, 320, 330}) {
    std::vector<std::vector<int>> found;
    std::vector<int> radices;
    add_chains(length, radices, found);
    std::ranges::shuffle(found, random);
    auto chosen = cpu::cheapest_radices(length, cpu::fft_costs(target.vector_bytes()));
    std::erase(found, chosen);
    found.insert(found.begin(), std::move(chosen));
    found.resize(std::min(found.size(), most_of_length));
    for (auto& some : found) chains.push_back({length, std::move(some)});
  }
  return chains;
}

/// Half of the lines come from L2 and go there, as the columns of a plane; half are in L1, as the rows.
void time_chains(const Target& target, std::vector<Chain>& chains, int rounds) {
  constexpr std::size_t bytes_in_l2 = 128 << 10;
  struct alignas(64) Vector {
    float values[16];
  };
  std::vector<Vector> from(bytes_in_l2 / sizeof(Vector) + 1024);
  std::vector<Vector> to(from.size());
  std::vector<Vector> work(4096);
  std::vector<Vector> prime(1024);
  std::vector<cpu::FftPlan<float>> plans;
  for (const auto& chain : chains) plans.emplace_back(chain.radices);
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < chains.size(); ++i) {
      const auto line_bytes = static_cast<std::size_t>(plans[i].length) * 2 * target.vector_bytes();
      const int lines = static_cast<int>(bytes_in_l2 / line_bytes);
      const auto run = [&](int count) {
        target.transform_lines(plans[i], count, from[0].values, to[0].values, work[0].values,
                               prime[0].values);
      };
      run(lines);
      const double time = nanoseconds_of([&] {
        run(lines);
        for (int line = 0; line < lines; ++line) run(1);
      });
      chains[i].time = std::min(chains[i].time, time / (2.0 * lines * plans[i].length));
    }
  }
}

std::size_t radix_index(int radix) {
  const auto& radices = cpu::narrow_fft_costs.radices;
  return static_cast<std::size_t>(std::ranges::find(radices, radix, &cpu::RadixCost::radix) -
                                  radices.begin());
}

constexpr std::size_t radix_count = std::tuple_size_v<decltype(FftCosts::radices)>;

/// How often each cost is in the sum for a chain: for each radix each, first, last; then twiddle, prime,
/// prime_per_radix.
std::vector<double> cost_counts(const Chain& chain) {
  std::vector<double> counts(3 * radix_count + 3);
  int left = chain.length;
  for (std::size_t stage = 0; stage < chain.radices.size(); ++stage) {
    const int radix = chain.radices[stage];
    left /= radix;
    if (std::gcd(radix, left) != 1) counts[3 * radix_count] += 1;
    const auto index = radix_index(radix);
    if (index == radix_count) {
      counts[3 * radix_count + 1] += 1;
      counts[3 * radix_count + 2] += radix;
      continue;
    }
    counts[3 * index] += 1;
    if (stage == 0) counts[3 * index + 1] += 1;
    if (left == 1) counts[3 * index + 2] += 1;
  }
  return counts;
}

FftCosts to_costs(const std::vector<double>& fitted) {
  auto costs = cpu::narrow_fft_costs;
  for (std::size_t i = 0; i < radix_count; ++i)
    costs.radices[i].stage = {fitted[3 * i], fitted[3 * i + 1], fitted[3 * i + 2]};
  costs.twiddle = fitted[3 * radix_count];
  costs.prime = fitted[3 * radix_count + 1];
  costs.prime_per_radix = fitted[3 * radix_count + 2];
  return costs;
}

/// How much longer the chains that some costs choose take than the fastest that were timed, over all lengths.
void print_loss(const char* which, const FftCosts& costs, const std::vector<Chain>& chains) {
  double sum = 0;
  double most = 0;
  int lengths = 0;
  int of_most = 0;
  for (auto chain = chains.begin(); chain != chains.end();) {
    const int length = chain->length;
    const auto radices = cpu::cheapest_radices(length, costs);
    double best = std::numeric_limits<double>::infinity();
    double chosen = best;
    for (; chain != chains.end() && chain->length == length; ++chain) {
      best = std::min(best, chain->time);
      if (chain->radices == radices) chosen = chain->time;
    }
    if (!(chosen < std::numeric_limits<double>::infinity())) continue;  // not among those that were timed
    ++lengths;
    sum += chosen / best - 1;
    if (chosen / best - 1 > most) {
      most = chosen / best - 1;
      of_most = length;
    }
  }
  fmt::print(
      "//   {:9} costs: chains take {:.1f} % longer than the fastest, on average of {} lengths; at most "
      "{:.1f} % (length {})\n",
      which, 100 * sum / lengths, lengths, 100 * most, of_most);
}

FftCosts fit_stages(const Target& target, int rounds) {
  auto chains = chains_to_time(target);
  time_chains(target, chains, rounds);
  const auto fit = [&] {
    std::vector<std::vector<double>> rows;
    std::vector<double> times;
    for (const auto& chain : chains) {
      rows.push_back(cost_counts(chain));
      times.push_back(chain.time);
    }
    const auto fitted = least_squares(rows, times, 1);
    fmt::print("// {} chains, {:.2f} ns per element off\n", chains.size(), residual(rows, times, fitted));
    return to_costs(fitted);
  };
  auto costs = fit();
  // The chains that these choose are timed too, so that the costs are good where they are used.
  std::vector<Chain> more;
  for (const auto& chain : chains) {
    auto radices = cpu::cheapest_radices(chain.length, costs);
    const auto same = [&](const Chain& other) { return other.radices == radices; };
    if (std::ranges::none_of(chains, same) && std::ranges::none_of(more, same))
      more.push_back({chain.length, std::move(radices)});
  }
  time_chains(target, more, rounds);
  chains.insert(chains.end(), more.begin(), more.end());
  std::ranges::stable_sort(chains, {}, &Chain::length);
  costs = fit();
  print_loss("committed", cpu::fft_costs(target.vector_bytes()), chains);
  print_loss("fitted", costs, chains);
  fmt::print("inline constexpr FftCosts {}_fft_costs{{.radices = {{{{\n", target.name);
  for (const auto& [radix, stage] : costs.radices)
    fmt::print("    {{{}, {{{:.2f}, {:.2f}, {:.2f}}}}},\n", radix, stage.each, stage.first, stage.last);
  fmt::print("    }}}}, .twiddle = {:.2f}, .prime = {:.2f}, .prime_per_radix = {:.3f}}};\n", costs.twiddle,
             costs.prime, costs.prime_per_radix);
  return costs;
}

// ---- planes ----

/// Padded planes of one size, of which each is transformed whole.
struct Plane {
  int height;
  int width;
  double time = 0;  ///< of a vector that passes along both axes, with one wavelet

  double megabytes() const { return 2.0 * sizeof(float) * height * width / (1 << 20); }
};

ScatteringOptions options_for(const Plane& plane, int angles, int max_order) {
  return {.height = plane.height,
          .width = plane.width,
          .scales = 1,
          .angles = angles,
          .max_order = max_order,
          .boundary = Boundary::Padded,
          .threads = 1};
}

double seconds_of_forward(const ScatteringOptions& options, int rounds) {
  const Scattering plan(options);
  const auto shape = shape_of(options);
  std::vector<float> image(static_cast<std::size_t>(options.height) * options.width, 0.5F);
  std::vector<float> maps(static_cast<std::size_t>(shape.maps) * shape.height * shape.width);
  double least = std::numeric_limits<double>::infinity();
  for (int round = 0; round < rounds; ++round) {
    least = std::min(
        least, nanoseconds_of([&] { plan.forward(std::span<const float>(image), std::span<float>(maps)); }));
  }
  return least;
}

/// By the difference between many angles and few, so that the transform of the image itself does not count. A
/// plan of order 2 has the plane whole and goes row by column; with one scale it has nothing else to do.
void time_planes(const Target& target, std::vector<Plane>& planes, int max_order, int rounds) {
  constexpr int few = 2;
  constexpr int many = 10;
  ::setenv("SCATLIGHT_ENGINE", target.engine.c_str(), 1);
  for (auto& plane : planes) {
    const double more = seconds_of_forward(options_for(plane, many, max_order), rounds) -
                        seconds_of_forward(options_for(plane, few, max_order), rounds);
    const double vectors =
        static_cast<double>(cpu::round_up(plane.width, target.lanes) / target.lanes) * plane.height;
    plane.time = more / (many - few) / vectors;
  }
}

void fit_transfer(const Target& target, const FftCosts& costs, int rounds) {
  std::vector<Plane> planes;
  for (const int size : {64, 96, 120, 160, 192, 240, 288, 320, 384, 480, 560, 640, 720, 800, 880, 960, 1056})
    planes.push_back({size, size});
  time_planes(target, planes, 2, rounds);
  std::vector<std::vector<double>> rows;
  std::vector<double> rest;
  for (const auto& plane : planes) {
    rows.push_back({1, std::min(plane.megabytes(), 16.0)});
    rest.push_back(plane.time / 2 - cpu::fft_cost(plane.width, costs));
  }
  const auto fitted = least_squares(rows, rest, 0);
  const double scale = cpu::is_wide(target.vector_bytes()) ? 1 : 32.0 / target.vector_bytes();
  fmt::print("// {} planes, {:.2f} ns per vector off\n", planes.size(), residual(rows, rest, fitted));
  fmt::print("inline constexpr TransferCost {}_transfer{{{:.2f}, {:.2f}}};\n", target.name, scale * fitted[0],
             scale * fitted[1]);
}

/// Whether a plan of one scale takes the plane whole, by a vector-radix plan.
bool is_whole(const Target& target, const Plane& plane) {
  const cpu::Packing packing{.lanes = target.lanes, .block_size = target.lanes};
  if (!cpu::VectorRadixPlan::fits(plane.height, plane.width, packing)) return false;
  const auto resolved = resolve(options_for(plane, 8, 1));
  const auto tiles = cpu::choose_tiles(
      resolved, Geometry(resolved),
      {.epsilon = std::numeric_limits<float>::epsilon(), .bytes = sizeof(float), .packing = packing});
  return tiles.size() == 1 && tiles[0].count() == 1;
}

void fit_vector_radix(const Target& target, int rounds) {
  const std::vector<int> factors = {7, 9, 11, 13, 15, 16, 21};
  std::vector<Plane> planes;
  for (const int rows : factors) {
    for (const int columns : factors) {
      const Plane plane{16 * rows, 16 * columns};
      if (rows <= columns && is_whole(target, plane)) planes.push_back(plane);
    }
  }
  if (planes.size() <= factors.size()) {
    fmt::print("// vector-radix plans are for AVX-512: not measured\n");
    return;
  }
  time_planes(target, planes, 1, rounds);
  std::vector<std::vector<double>> rows;
  std::vector<double> times;
  for (const auto& plane : planes) {
    std::vector<double> counts(factors.size() + 1);
    for (const int length : {plane.height, plane.width})
      counts[static_cast<std::size_t>(std::ranges::find(factors, length / 16) - factors.begin())] += 1;
    counts.back() = plane.megabytes();
    rows.push_back(std::move(counts));
    times.push_back(plane.time);
  }
  const auto fitted = least_squares(rows, times, 1e-6);
  fmt::print("// vector-radix plans of {} planes, {:.2f} ns per vector off\n", planes.size(),
             residual(rows, times, fitted));
  for (std::size_t i = 0; i < factors.size(); ++i)
    fmt::print("of_factor({}): {:.1f}\n", factors[i], fitted[i]);
  fmt::print("inline constexpr VectorRadixCost vector_radix{{{:.1f}}};\n", fitted.back());
}

void run(int rounds) {
  for (const auto& target : available_targets()) {
    fmt::print("// ---- {}, vectors of {} bytes ----\n", target.engine, target.vector_bytes());
    const auto costs = fit_stages(target, rounds);
    fit_transfer(target, costs, rounds);
    fit_vector_radix(target, rounds);
  }
}

}  // namespace
}  // namespace scatlight

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 20;
  if (argc > 2 || rounds < 1) {
    fmt::print(stderr, "fit_costs [ROUNDS]\n");
    return 2;
  }
  scatlight::run(rounds);
}
