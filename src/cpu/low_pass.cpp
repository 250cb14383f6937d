#include "cpu/low_pass.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "core/low_pass_kernel.h"

namespace scatlight::cpu {

template <class T>
LowPass<T>::LowPass(const FilterBank& bank, const Axis& axis, const Geometry& geometry, int level, int lanes,
                    double tap_cost)
    : level_step(geometry.output_level - level), step(1 << level_step), border(geometry.output_border) {
  const LowPassKernel kernel(bank, axis, level, std::numeric_limits<T>::epsilon());
  radius = kernel.radius;
  weights.assign(this->taps() + 2 * margin, T{0});
  const bool has_opposite = std::ssize(kernel.weights) == 2 * radius;
  for (int distance = 0; distance <= radius; ++distance) {
    const double weight = kernel.weights[radius - distance] / (has_opposite && distance == radius ? 2 : 1);
    for (int tap : {radius - distance, radius + distance}) weights[margin + tap] = static_cast<T>(weight);
  }

  const int length = axis.padded >> level;
  if (std::ssize(kernel.weights) < length) return;

  // Two lines are transformed together.
  constexpr int measured = 64;  // bytes of a vector, as in the costs
  constexpr double other_cost = low_pass_cost.spectral;
  const double direct_cost = tap_cost * length / step;
  const double fft_cost_of_pair =
      fft_cost(length, measured) + other_cost + (fft_cost(length / step, measured) + other_cost) / step;
  const int half = length / 2;
  const double cost_of_halves = tap_cost * (half + 1) / step + low_pass_cost.halves;
  if (length % (2 * step) == 0 && cost_of_halves < std::min(direct_cost, fft_cost_of_pair / 2)) {
    const auto weight = [&](int distance) { return kernel.weights[(distance + radius) % length]; };
    halves = {.length = half, .radius = half / 2, .of_sums = {}, .of_differences = {}};
    for (int distance = 0; distance <= halves->radius; ++distance) {
      // Opposite the middle of an even half, both ends share a weight.
      const double factor = 2 * distance == half ? 0.25 : 0.5;
      halves->of_sums.push_back(static_cast<T>(factor * (weight(distance) + weight(distance + half))));
      halves->of_differences.push_back(static_cast<T>(factor * (weight(distance) - weight(distance + half))));
    }
  }
  if (direct_cost < fft_cost_of_pair / 2) return;
  spectral = {.line = FftPlan<T>(length, lanes), .outputs = FftPlan<T>(length / step, lanes), .factors = {}};
  for (const double factor : bank.phi(axis, level))
    spectral->factors.push_back(static_cast<T>(factor / length));
}

template struct LowPass<float>;
template struct LowPass<double>;

}  // namespace scatlight::cpu
