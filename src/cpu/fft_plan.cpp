#include "cpu/fft_plan.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>

#include "core/inverse_modulo.h"

namespace scatlight::cpu {
namespace {

// Less than costs differ by, and more than they are rounded by.
constexpr double same_cost = 1e-6;

struct Chain {
  double cost = std::numeric_limits<double>::infinity();  // of an element
  std::vector<int> radices;
};

// Looks for the cheapest chain of radices for a length.
class Chains {
 public:
  explicit Chains(const FftCosts& costs) : costs_(costs) {}

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
      if (std::gcd(radix, left) != 1) cost += costs_.twiddle;
      if (has_first_stage) cost += stage.first;
      if (left == 1) cost += stage.last;
      if (cost > best.cost - same_cost) return;
      best = {cost, {radix}};
      best.radices.insert(best.radices.end(), after.radices.begin(), after.radices.end());
    };
    for (const auto& cost : costs_.radices) consider(cost.radix, cost.stage);
    int left = length;
    for (int p = 2; left > 1; ++p) {
      if (p * p > left) p = left;
      if (left % p != 0) continue;
      while (left % p == 0) left /= p;
      if (!is_compiled(p)) consider(p, {costs_.prime + costs_.prime_per_radix * p});
    }
    return best;
  }

  const FftCosts& costs_;
  std::map<int, Chain> rests_;
};

}  // namespace

std::vector<int> cheapest_radices(int length, const FftCosts& costs) {
  return Chains(costs).best(length).radices;
}

double fft_cost(int length, const FftCosts& costs) { return Chains(costs).best(length).cost; }

bool is_compiled(int radix) {
  return std::ranges::find(narrow_fft_costs.radices, radix, &RadixCost::radix) !=
         narrow_fft_costs.radices.end();
}

template <class T>
FftPlan<T>::FftPlan(int length, int lanes)
    : FftPlan(cheapest_radices(length, fft_costs(lanes * static_cast<int>(sizeof(T))))) {}

template <class T>
FftPlan<T>::FftPlan(const std::vector<int>& radices)
    : length(std::accumulate(radices.begin(), radices.end(), 1, std::multiplies<>())) {
  int outer = 1;
  for (int radix : radices) {
    Stage stage{
        .radix = radix, .outer = outer, .stride = length / outer / radix, .twiddles = {}, .rotation = {}};
    if (!is_compiled(radix)) {
      largest_loop = std::max(largest_loop, radix);
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
