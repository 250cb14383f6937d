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

struct Kernel {
  int radix;
  double cost;
};

// Nanoseconds a point, measured on AVX2 with data in the first cache. Of chains that cost the same, the one
// that begins with the kernel that stands first here is the fastest.
constexpr std::array<Kernel, 11> kernels = {{{15, 1.5},
                                             {2, 0.45},
                                             {3, 0.65},
                                             {4, 0.65},
                                             {5, 0.9},
                                             {6, 0.9},
                                             {7, 1.5},
                                             {8, 1.3},
                                             {11, 3.2},
                                             {13, 4.0},
                                             {16, 1.35}}};
constexpr double twiddle_cost = 0.35;

// Of a prime without a kernel, which takes its square of operations.
constexpr double prime_cost(int radix) { return 1 + 0.3 * radix; }

struct Choice {
  double cost_per_point = std::numeric_limits<double>::infinity();
  std::vector<int> radices;
};

// The cheapest chain of radices for a length.
const Choice& choose_radices(int length, std::map<int, Choice>& known) {
  if (const auto found = known.find(length); found != known.end()) return found->second;
  Choice best;
  if (length == 1) best.cost_per_point = 0;
  const auto consider = [&](int radix, double radix_cost) {
    if (length % radix != 0) return;
    const int part = length / radix;
    const auto& rest = choose_radices(part, known);
    const double cost = radix_cost + (std::gcd(radix, part) == 1 ? 0 : twiddle_cost) + rest.cost_per_point;
    if (cost < best.cost_per_point) {
      best.cost_per_point = cost;
      best.radices = {radix};
      best.radices.insert(best.radices.end(), rest.radices.begin(), rest.radices.end());
    }
  };
  for (const auto& [radix, cost] : kernels) consider(radix, cost);
  int rest = length;
  for (int p = 2; rest > 1; ++p) {
    if (p * p > rest) p = rest;
    if (rest % p != 0) continue;
    while (rest % p == 0) rest /= p;
    if (!has_kernel(p)) consider(p, prime_cost(p));
  }
  return known[length] = best;
}

int inverse_modulo(int value, int modulus) {
  for (int x = 0; x < modulus; ++x) {
    if (static_cast<std::int64_t>(value) * x % modulus == 1 % modulus) return x;
  }
  return 0;
}

}  // namespace

double fft_cost(int length) {
  std::map<int, Choice> known;
  return choose_radices(length, known).cost_per_point;
}

bool has_kernel(int radix) {
  return std::ranges::any_of(kernels, [&](const Kernel& kernel) { return kernel.radix == radix; });
}

template <class T>
FftPlan<T>::FftPlan(int length) : length(length) {
  std::map<int, Choice> known;
  const auto radices = choose_radices(length, known).radices;

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
