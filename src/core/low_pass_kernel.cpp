#include "core/low_pass_kernel.h"

#include <algorithm>
#include <cmath>

#include "core/fft.h"

namespace scatlight {

LowPassKernel::LowPassKernel(const FilterBank& bank, const Axis& axis, int level, double epsilon) {
  const auto spectrum = bank.phi(axis, level);
  const int length = static_cast<int>(spectrum.size());
  const std::vector<Fft::Complex> values(spectrum.begin(), spectrum.end());
  std::vector<Fft::Complex> kernel(length);
  Fft(length).forward(values.data(), 1, kernel.data());
  // The spectrum is real and even, so the direction of the transform does not matter.
  const auto at = [&](int n) { return kernel[(n % length + length) % length].real() / length; };

  double total = 0;
  for (int n = 0; n < length; ++n) total += std::abs(at(n));
  const double negligible = total * epsilon * (level == 0 ? 0.5 : 16);
  radius = length / 2;
  double tail = 0;
  while (radius > 0) {
    tail += std::abs(at(radius)) + std::abs(at(-radius));
    if (tail > negligible) break;
    --radius;
  }
  weights.resize(std::min(2 * radius + 1, length));
  double sum = 0;
  for (int t = 0; t < static_cast<int>(weights.size()); ++t) sum += weights[t] = at(t - radius);
  for (auto& weight : weights) weight *= spectrum[0] / sum;
}

}  // namespace scatlight
