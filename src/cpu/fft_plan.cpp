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

// What a stage takes, in nanoseconds per element; and what more (or less) as the first or the last of
// several.
struct StageCost {
  double each;
  double first = 0;
  double last = 0;
};

struct Kernel {
  int radix;
  StageCost narrow;  // vectors of up to 32 bytes
  StageCost wide;    // of 64 bytes
};

// Narrow: measured on AVX2 with data in the L1 cache. Wide: fitted to the times of 500 chains for 38
// lengths on AVX-512 (Zen 4), run as the transform runs them, columns from L2 and rows from L1; so they have
// loads and stores in them, which the others have not. Of chains that cost the same, the one that begins with
// the kernel that stands first here is the fastest.
constexpr std::array<Kernel, 11> kernels = {{{15, {1.5}, {3.05, 0, -0.05}},
                                             {2, {0.45}, {1.4, 0.15, 0.3}},
                                             {3, {0.65}, {1.55, 0.15, 0.4}},
                                             {4, {0.65}, {1.6, 0.1, 0.15}},
                                             {5, {0.9}, {2.0, 0, 0.25}},
                                             {6, {0.9}, {1.95, 0.05, 0.1}},
                                             {7, {1.5}, {2.2, 0, 0.35}},
                                             {8, {1.3}, {2.3, -0.05, -0.25}},
                                             {11, {3.2}, {4.1, -0.05, 0}},
                                             {13, {4.0}, {5.2, 0.15, -0.3}},
                                             {16, {1.35}, {3.05, 0.15, -0.3}}}};
// Less than costs differ by, and more than they are rounded by.
constexpr double same_cost = 1e-6;

double twiddle_cost(bool wide) { return wide ? 0.3 : 0.35; }
// Of a prime without a kernel, which takes its square of operations.
StageCost prime_cost(int radix, bool wide) { return {wide ? 2 + 0.35 * radix : 1 + 0.3 * radix}; }

struct Chain {
  double cost = std::numeric_limits<double>::infinity();  // of an element
  std::vector<int> radices;
};

// Looks for the cheapest chain of radices for a length.
class Chains {
 public:
  explicit Chains(int vector_bytes) : wide_(is_wide(vector_bytes)) {}

  Chain best(int length) { return cheapest(length, true); }

 private:
  // What follows the first stage is looked for once for each length.
  const Chain& rest(int length) {
    if (const auto known = rests_.find(length); known != rests_.end()) return known->second;
    return rests_.emplace(length, cheapest(length, false)).first->second;
  }

  Chain cheapest(int length, bool has_first_stage) {
    Chain best;
    if (length == 1) best.cost = 0;
    const auto consider = [&](int radix, const StageCost& stage) {
      if (length % radix != 0) return;
      const int left = length / radix;
      const auto& after = rest(left);
      double cost = stage.each + after.cost;
      if (std::gcd(radix, left) != 1) cost += twiddle_cost(wide_);
      if (has_first_stage) cost += stage.first;
      if (left == 1) cost += stage.last;
      if (cost > best.cost - same_cost) return;
      best = {cost, {radix}};
      best.radices.insert(best.radices.end(), after.radices.begin(), after.radices.end());
    };
    for (const auto& kernel : kernels) consider(kernel.radix, wide_ ? kernel.wide : kernel.narrow);
    int left = length;
    for (int p = 2; left > 1; ++p) {
      if (p * p > left) p = left;
      if (left % p != 0) continue;
      while (left % p == 0) left /= p;
      if (!has_kernel(p)) consider(p, prime_cost(p, wide_));
    }
    return best;
  }

  const bool wide_;
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
  return std::ranges::any_of(kernels, [&](const Kernel& kernel) { return kernel.radix == radix; });
}

template <class T>
FftPlan<T>::FftPlan(int length, int lanes) : length(length) {
  const auto radices = Chains(lanes * static_cast<int>(sizeof(T))).best(length).radices;

  int outer = 1;
  for (int radix : radices) {
    Stage stage{
        .radix = radix, .outer = outer, .stride = length / outer / radix, .twiddles = {}, .rotation = {}};
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
    outer *= radix;
  }

  if (stages.size() > 1) work_gap = 1;

  // From the last stage up: which index of a sub-transform stands at which of its positions, before it
  // (`time`) and after it (`frequency`).
  std::vector<int> time = {0};
  std::vector<int> frequency = {0};
  for (auto stage = stages.rbegin(); stage != stages.rend(); ++stage) {
    const int radix = stage->radix;
    const int stride = stage->stride;
    const int size = radix * stride;
    const bool coprime = std::gcd(radix, stride) == 1;
    const std::int64_t of_radix =
        coprime ? static_cast<std::int64_t>(stride) * inverse_modulo(stride, radix) : 1;
    const std::int64_t of_stride =
        coprime ? static_cast<std::int64_t>(radix) * inverse_modulo(radix, stride) : radix;
    std::vector<int> outer_time(size);
    std::vector<int> outer_frequency(size);
    for (int q = 0; q < radix; ++q) {
      for (int p = 0; p < stride; ++p) {
        const std::int64_t n =
            coprime ? static_cast<std::int64_t>(stride) * q + static_cast<std::int64_t>(radix) * time[p]
                    : time[p] + static_cast<std::int64_t>(stride) * q;
        outer_time[q * stride + p] = static_cast<int>(n % size);
        outer_frequency[q * stride + p] = static_cast<int>((of_radix * q + of_stride * frequency[p]) % size);
      }
    }
    if (!coprime) {
      for (int p = 0; p < stride; ++p) {
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
  for (int p = 0; p < first.stride; ++p) {
    for (int q = 0; q < first.radix; ++q) input.push_back(time[q * first.stride + p]);
  }
  output.assign(frequency.begin(), frequency.end());
}

template struct FftPlan<float>;
template struct FftPlan<double>;

}  // namespace scatlight::cpu
