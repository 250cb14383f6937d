#include "cpu/fft_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>

namespace scatlight::cpu {
namespace {

// What a stage takes, in nanoseconds an element, and what it takes more where it is the first or the last
// one.
struct Kernel {
  int radix;
  double cost;
  double first = 0;
  double last = 0;
};

struct Costs {
  std::array<Kernel, 11> kernels;
  double twiddles;
  double prime;       // without a kernel, which takes the square of its radix of operations: of one, and
  double prime_root;  // for each of its roots
};

// Measured on AVX2 with data in the first cache. Of chains that cost the same, the one that begins with the
// kernel that stands first here is the fastest.
constexpr Costs costs_of_32_bytes = {.kernels = {{{15, 1.5},
                                                  {2, 0.45},
                                                  {3, 0.65},
                                                  {4, 0.65},
                                                  {5, 0.9},
                                                  {6, 0.9},
                                                  {7, 1.5},
                                                  {8, 1.3},
                                                  {11, 3.2},
                                                  {13, 4.0},
                                                  {16, 1.35}}},
                                     .twiddles = 0.35,
                                     .prime = 1,
                                     .prime_root = 0.3};
// Fitted to 500 chains for 38 lengths on AVX-512 (Zen 4), each as the transform of columns that come from
// the second cache and of rows in the first one, to their modulus.
constexpr Costs costs_of_64_bytes = {.kernels = {{{2, 1.4, 0.15, 0.3},
                                                  {3, 1.55, 0.15, 0.4},
                                                  {4, 1.6, 0.1, 0.15},
                                                  {5, 2.0, 0, 0.25},
                                                  {6, 1.95, 0.05, 0.1},
                                                  {7, 2.2, 0, 0.35},
                                                  {8, 2.3, -0.05, -0.25},
                                                  {11, 4.1, -0.05, 0},
                                                  {13, 5.2, 0.15, -0.3},
                                                  {15, 3.05, 0, -0.05},
                                                  {16, 3.05, 0.15, -0.3}}},
                                     .twiddles = 0.3,
                                     .prime = 2,
                                     .prime_root = 0.35};

const Costs& costs_of(int vector_bytes) { return vector_bytes >= 64 ? costs_of_64_bytes : costs_of_32_bytes; }

struct Chain {
  double cost = std::numeric_limits<double>::infinity();  // of an element
  std::vector<int> radices;
};

// Looks for the cheapest chain of radices for a length.
class Chains {
 public:
  explicit Chains(int vector_bytes) : costs_(costs_of(vector_bytes)) {}

  Chain best(int length) { return cheapest(length, true); }

 private:
  // What follows the first stage is looked for once for each length.
  const Chain& rest(int length) {
    const auto known = rests_.find(length);
    return known != rests_.end() ? known->second : rests_[length] = cheapest(length, false);
  }

  Chain cheapest(int length, bool is_whole) {
    Chain best;
    if (length == 1) best.cost = 0;
    const auto consider = [&](const Kernel& kernel) {
      if (length % kernel.radix != 0) return;
      const int part = length / kernel.radix;
      const auto& after = rest(part);
      double cost = kernel.cost + after.cost;
      if (std::gcd(kernel.radix, part) != 1) cost += costs_.twiddles;
      if (is_whole) cost += kernel.first;
      if (part == 1) cost += kernel.last;
      if (cost < best.cost) {
        best = {cost, {kernel.radix}};
        best.radices.insert(best.radices.end(), after.radices.begin(), after.radices.end());
      }
    };
    for (const auto& kernel : costs_.kernels) consider(kernel);
    int left = length;
    for (int p = 2; left > 1; ++p) {
      if (p * p > left) p = left;
      if (left % p != 0) continue;
      while (left % p == 0) left /= p;
      if (!has_kernel(p)) consider({p, costs_.prime + costs_.prime_root * p});
    }
    return best;
  }

  const Costs& costs_;
  std::map<int, Chain> rests_;
};

int inverse_modulo(int value, int modulus) {
  for (int x = 0; x < modulus; ++x) {
    if (static_cast<std::int64_t>(value) * x % modulus == 1 % modulus) return x;
  }
  return 0;
}

}  // namespace

double fft_cost(int length, int vector_bytes) { return Chains(vector_bytes).best(length).cost; }

bool has_kernel(int radix) {
  return std::ranges::any_of(costs_of_32_bytes.kernels,
                             [&](const Kernel& kernel) { return kernel.radix == radix; });
}

template <class T>
FftPlan<T>::FftPlan(int length, int vector_bytes) : length(length) {
  const auto radices = Chains(vector_bytes).best(length).radices;

  int blocks = 1;
  for (int radix : radices) {
    Stage stage{
        .radix = radix, .blocks = blocks, .part = length / blocks / radix, .twiddles = {}, .rotation = {}};
    if (!has_kernel(radix)) {
      largest_prime = std::max(largest_prime, radix);
      const int half = (radix - 1) / 2;
      for (int k = 1; k <= half; ++k) {
        for (int j = 1; j <= half; ++j) {
          const double angle = 2 * std::numbers::pi * (static_cast<std::int64_t>(j) * k % radix) / radix;
          stage.rotation.push_back(static_cast<T>(std::cos(angle)));
          stage.rotation.push_back(static_cast<T>(std::sin(angle)));
        }
      }
    }
    stages.push_back(std::move(stage));
    blocks *= radix;
  }

  if (stages.size() > 1) work_gap = 1;

  // From the last stage up: which index of a sub-transform stands at which position of its block, before it
  // (`time`) and after it (`frequency`).
  std::vector<int> time = {0};
  std::vector<int> frequency = {0};
  for (auto stage = stages.rbegin(); stage != stages.rend(); ++stage) {
    const int radix = stage->radix;
    const int part = stage->part;
    const int size = radix * part;
    const bool coprime = std::gcd(radix, part) == 1;
    const std::int64_t of_radix = coprime ? static_cast<std::int64_t>(part) * inverse_modulo(part, radix) : 1;
    const std::int64_t of_part =
        coprime ? static_cast<std::int64_t>(radix) * inverse_modulo(radix, part) : radix;
    std::vector<int> outer_time(size);
    std::vector<int> outer_frequency(size);
    for (int q = 0; q < radix; ++q) {
      for (int p = 0; p < part; ++p) {
        const std::int64_t n =
            coprime ? static_cast<std::int64_t>(part) * q + static_cast<std::int64_t>(radix) * time[p]
                    : time[p] + static_cast<std::int64_t>(part) * q;
        outer_time[q * part + p] = static_cast<int>(n % size);
        outer_frequency[q * part + p] = static_cast<int>((of_radix * q + of_part * frequency[p]) % size);
      }
    }
    if (!coprime) {
      for (int p = 0; p < part; ++p) {
        for (int q = 1; q < radix; ++q) {
          const double angle = 2 * std::numbers::pi * (static_cast<std::int64_t>(time[p]) * q % size) / size;
          stage->twiddles.push_back(static_cast<T>(std::cos(angle)));
          stage->twiddles.push_back(static_cast<T>(std::sin(angle)));
        }
      }
    }
    time = std::move(outer_time);
    frequency = std::move(outer_frequency);
  }
  const auto& first = stages.front();
  for (int p = 0; p < first.part; ++p) {
    for (int q = 0; q < first.radix; ++q) input.push_back(time[q * first.part + p]);
  }
  output.assign(frequency.begin(), frequency.end());
}

template struct FftPlan<float>;
template struct FftPlan<double>;

}  // namespace scatlight::cpu
