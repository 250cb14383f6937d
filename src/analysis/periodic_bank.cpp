#include "analysis/periodic_bank.h"

#include <cmath>
#include <numbers>

namespace scatlight::analysis {
namespace {

/// A padded grid of the image's own size.
Geometry unpadded(const ScatteringOptions& resolved) {
  auto options = resolved;
  options.boundary = Boundary::Padded;
  return Geometry(options);
}

}  // namespace

PeriodicBank::PeriodicBank(const ScatteringOptions& options)
    : options_([&] {
        auto periodic = options;
        periodic.boundary = Boundary::Periodic;
        return resolve(periodic);
      }()),
      bank_(options_, unpadded(options_)) {}

PeriodicBank::Frequency PeriodicBank::center_frequency(int scale, int angle) const {
  const double radius = options_.center_frequency / std::exp2(scale);
  return {.row = radius * std::cos(theta(angle)), .column = radius * std::sin(theta(angle))};
}

double frequency_of(int k, int length) {
  const int centred = 2 * k >= length ? k - length : k;
  return 2 * std::numbers::pi * centred / length;
}

ComplexPlane spectrum_of(const std::vector<double>& image, int height, int width) {
  ComplexPlane plane{height, width, {image.begin(), image.end()}};
  fft_2d(plane);
  return plane;
}

std::vector<double> modulus_of_convolution(ComplexPlane spectrum, const std::vector<double>& filter) {
  for (std::size_t i = 0; i < filter.size(); ++i) spectrum.values[i] *= filter[i];
  inverse_fft_2d(spectrum);
  std::vector<double> modulus;
  modulus.reserve(filter.size());
  for (const auto& value : spectrum.values) modulus.push_back(std::abs(value));
  return modulus;
}

}  // namespace scatlight::analysis
