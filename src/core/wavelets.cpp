#include "scatlight/wavelets.h"

#include <fmt/core.h>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <numbers>
#include <string>
#include <string_view>

#include "core/filter_bank.h"
#include "core/given_wavelets.h"
#include "core/option_list.h"
#include "core/parallel_for.h"

namespace scatlight {
namespace {

constexpr double most = std::numeric_limits<double>::max();

// NaN is in no range.
void check_number(std::string_view name, double value, double lowest, double highest,
                  const std::string& of_wavelet, const std::string& accepted) {
  if (value >= lowest && value <= highest) return;
  throw Error(fmt::format("{} of the wavelet of {} is {}; it must be {}", name, of_wavelet, value, accepted));
}

}  // namespace

void check_shapes(std::span<const WaveletShape> shapes, const ScatteringOptions& resolved) {
  const auto count = static_cast<std::size_t>(resolved.scales) * resolved.angles;
  if (shapes.size() != count) {
    throw Error(fmt::format("{} shapes are given; J = {} scales of L = {} angles have {}", shapes.size(),
                            resolved.scales, resolved.angles, count));
  }
  const auto& sigma = option_of(&ScatteringOptions::sigma);
  const auto& slant = option_of(&ScatteringOptions::slant);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& shape = shapes[i];
    const auto of_wavelet = fmt::format("scale {} and angle {}", i / resolved.angles, i % resolved.angles);
    check_number("theta", shape.theta, -most, most, of_wavelet, "finite");
    check_number("xi", shape.xi, -std::numbers::pi, std::numbers::pi, of_wavelet, "between -pi and pi");
    check_number("sigma", shape.sigma, sigma.lowest, most, of_wavelet,
                 fmt::format("at least {}{}, and finite", sigma.lowest, sigma.unit));
    check_number("slant", shape.slant, slant.lowest, slant.highest, of_wavelet,
                 fmt::format("between {} and {}", slant.lowest, slant.highest));
  }
}

void check_wavelet_values(std::string_view name, std::size_t values, const ScatteringOptions& resolved,
                          const Geometry& geometry) {
  const std::size_t expected =
      std::size_t{1} * resolved.scales * resolved.angles * geometry.rows.padded * geometry.columns.padded;
  if (values == expected) return;
  throw Error(
      fmt::format("{} hold {} values; they must be J x L x padded_height x padded_width = {} x {} x "
                  "{} x {} = {}",
                  name, values, resolved.scales, resolved.angles, geometry.rows.padded,
                  geometry.columns.padded, expected));
}

void check_spectra(std::span<const double> spectra, const ScatteringOptions& resolved,
                   const Geometry& geometry) {
  check_wavelet_values("spectra", spectra.size(), resolved, geometry);
  const std::size_t size = spectra.size() / (std::size_t{1} * resolved.scales * resolved.angles);
  for (std::size_t i = 0; i < spectra.size(); ++i) {
    if (std::isfinite(spectra[i])) continue;
    const std::size_t wavelet = i / size;
    throw Error(
        fmt::format("the spectrum of the wavelet of scale {} and angle {} has the value {}; it must be "
                    "finite",
                    wavelet / resolved.angles, wavelet % resolved.angles, spectra[i]));
  }
}

std::vector<WaveletShape> wavelet_shapes(const ScatteringOptions& options) {
  return FilterBank::shapes_of(resolve(options));
}

std::vector<WaveletShape> shape_gradients(const ScatteringOptions& options,
                                          std::span<const WaveletShape> shapes,
                                          std::span<const double> wavelet_gradients) {
  const auto resolved = resolve(options);
  const Geometry geometry(resolved);
  check_shapes(shapes, resolved);
  check_wavelet_values("wavelet_gradients", wavelet_gradients.size(), resolved, geometry);
  const auto bank = FilterBank(resolved, geometry).with(std::vector(shapes.begin(), shapes.end()));
  const std::size_t size = wavelet_gradients.size() / shapes.size();
  std::vector<WaveletShape> gradients(shapes.size());
  choose_threads(resolved)(std::ssize(gradients), [&](std::int64_t i) {
    gradients[i] = bank.morlet(static_cast<int>(i / resolved.angles), static_cast<int>(i % resolved.angles))
                       .gradient(wavelet_gradients.subspan(i * size, size));
  });
  return gradients;
}

}  // namespace scatlight
