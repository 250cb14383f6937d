// Wavelets as an argument: the transform by them, and the gradient with respect to them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "cpu/plans.h"
#include "support/compare.h"
#include "support/expect_error.h"

namespace scatlight {
namespace {

using test::make_plan;
using test::name_of;
using test::random_gradients;
using test::random_planes;
using test::transform;

std::size_t spectra_size(const ScatteringOptions& options) {
  const auto shape = shape_of(options);
  return static_cast<std::size_t>(options.scales) * options.angles * shape.padded_height * shape.padded_width;
}

// Spectra of no shape: noise everywhere.
std::vector<double> random_spectra(const ScatteringOptions& options, unsigned seed = 2) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> spectra(spectra_size(options));
  for (auto& value : spectra) value = uniform(generator);
  return spectra;
}

// Shapes near those of the options: mirror images no more, but for some.
std::vector<WaveletShape> moved_shapes(const ScatteringOptions& options) {
  auto shapes = wavelet_shapes(options);
  for (std::size_t i = 0; i < shapes.size(); i += 3) {
    shapes[i].theta += 0.05;
    shapes[i].xi *= 0.97;
    shapes[i].sigma *= 1.1;
    shapes[i].slant *= 0.9;
  }
  return shapes;
}

template <class T>
struct Gradients {
  std::vector<T> images;
  std::vector<double> wavelets;
  friend bool operator==(const Gradients&, const Gradients&) = default;
};

template <class T>
Gradients<T> differentiate(const Scattering& plan, const std::vector<T>& images,
                           const std::vector<T>& feature_gradients) {
  Gradients<T> gradients{
      std::vector<T>(images.size(), std::numeric_limits<T>::quiet_NaN()),
      std::vector<double>(spectra_size(plan.options()), std::numeric_limits<double>::quiet_NaN())};
  plan.backward(std::span<const T>(images), std::span<const T>(feature_gradients),
                std::span<T>(gradients.images), std::span<double>(gradients.wavelets));
  return gradients;
}

std::vector<ScatteringOptions> small_cases() {
  return {
      {.height = 24, .width = 24, .scales = 2, .angles = 3, .max_order = 2},
      {.height = 17, .width = 22, .scales = 3, .angles = 2, .max_order = 2, .boundary = Boundary::Zero},
      {.height = 29, .width = 16, .scales = 2, .angles = 3, .stride = 1, .boundary = Boundary::Periodic},
      {.height = 32,
       .width = 24,
       .scales = 2,
       .angles = 3,
       .max_order = 2,
       .stride = 2,
       .boundary = Boundary::Padded},
      {.height = 21, .width = 19, .scales = 1, .angles = 4, .wavelet = Wavelet::Gabor},
      {.height = 4, .width = 4, .scales = 2, .angles = 6, .max_order = 2},
  };
}

// L = <gradients, S x> as a function of the spectra: along a random direction.
TEST(ReferenceWaveletGradient, EqualsFiniteDifferences) {
  for (const auto& options : small_cases()) {
    const auto plan = make_plan("reference", options);
    const auto images = random_planes<double>(options, 2);
    const auto of_features = random_gradients<double>(plan, 2);
    const auto spectra = random_spectra(options);
    const auto direction = random_spectra(options, 7);
    const auto loss = [&](double step) {
      auto moved = spectra;
      for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += step * direction[i];
      const auto features = transform(plan.with_wavelets(moved), images);
      return std::inner_product(features.begin(), features.end(), of_features.begin(), 0.0);
    };
    constexpr double step = 1e-6;
    const double slope = (loss(step) - loss(-step)) / (2 * step);
    const auto gradient = differentiate(plan.with_wavelets(spectra), images, of_features).wavelets;
    const double expected = std::inner_product(gradient.begin(), gradient.end(), direction.begin(), 0.0);
    double scale = 0;  // of the terms of the sum
    for (std::size_t i = 0; i < gradient.size(); ++i) scale += std::pow(gradient[i] * direction[i], 2);
    EXPECT_NEAR(slope, expected, 1e-6 * std::sqrt(scale) + 1e-9) << name_of(options);
  }
}

}  // namespace
}  // namespace scatlight
