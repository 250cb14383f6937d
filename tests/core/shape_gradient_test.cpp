// The chain from the gradients of spectra down to the four numbers of each wavelet.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "core/filter_bank.h"
#include "scatlight/scattering.h"
#include "support/expect_error.h"

namespace scatlight {
namespace {

constexpr std::array numbers = {&WaveletShape::theta, &WaveletShape::xi, &WaveletShape::sigma,
                                &WaveletShape::slant};

// Wavelets near those of the options, each with numbers of its own.
std::vector<WaveletShape> moved_shapes(const ScatteringOptions& options) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<double> uniform(-0.1, 0.1);
  auto shapes = wavelet_shapes(options);
  for (auto& shape : shapes) {
    for (const auto number : numbers) shape.*number += uniform(generator) * std::max(0.3, shape.*number);
  }
  return shapes;
}

std::size_t plane_size(const ScatteringOptions& options) {
  const auto shape = shape_of(options);
  return static_cast<std::size_t>(shape.padded_height) * shape.padded_width;
}

std::vector<double> random_weights(std::size_t count) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> weights(count);
  for (auto& weight : weights) weight = uniform(generator);
  return weights;
}

std::vector<ScatteringOptions> cases() {
  return {
      {.height = 40, .width = 29, .scales = 2, .angles = 4},
      {.height = 33, .width = 48, .scales = 3, .angles = 3, .normalization = Normalization::Exact},
      {.height = 40, .width = 40, .scales = 2, .angles = 3, .wavelet = Wavelet::Gabor, .slant = 1.3},
      // Five periods cut these off: they are made in space.
      {.height = 16, .width = 16, .scales = 4, .angles = 16},
      {.height = 17, .width = 12, .scales = 3, .angles = 20, .wavelet = Wavelet::Gabor},
  };
}

// L = <weights, psi^>; central differences with Richardson's extrapolation, whose error is of fourth order.
TEST(ShapeGradients, EqualFiniteDifferences) {
  int made_in_space = 0;
  for (const auto& options : cases()) {
    const auto shapes = moved_shapes(options);
    const std::size_t size = plane_size(options);
    const auto weights = random_weights(shapes.size() * size);
    const auto gradients = shape_gradients(options, shapes, weights);
    const auto resolved = resolve(options);
    const FilterBank fixed(resolved, Geometry(resolved));
    double worst = 0;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const int scale = static_cast<int>(i) / options.angles;
      const int angle = static_cast<int>(i) % options.angles;
      made_in_space += fixed.with(shapes).morlet(scale, angle).has_closed_form() ? 0 : 1;
      const auto loss = [&](const auto number, double step) {
        auto moved = shapes;
        moved[i].*number += step;
        const auto psi = fixed.with(moved).psi(scale, angle, 0);
        return std::inner_product(psi.begin(), psi.end(), weights.begin() + i * size, 0.0);
      };
      for (const auto number : numbers) {
        const auto slope = [&](double step) {
          return (loss(number, step) - loss(number, -step)) / (2 * step);
        };
        constexpr double step = 3e-4;
        const double expected = (4 * slope(step) - slope(2 * step)) / 3;
        const double error = std::abs(gradients[i].*number - expected) / std::max(1.0, std::abs(expected));
        worst = std::max(worst, error);
      }
    }
    EXPECT_LT(worst, 2e-7) << options.height << " x " << options.width << ", L = " << options.angles;
    fmt::print("  {} x {}, L = {}: {:.2g}\n", options.height, options.width, options.angles, worst);
  }
  EXPECT_GT(made_in_space, 0);
}

TEST(ShapeGradients, DoNotDependOnThreads) {
  ScatteringOptions options{.height = 40, .width = 29, .scales = 2, .angles = 5, .threads = 1};
  const auto shapes = wavelet_shapes(options);
  const auto weights = random_weights(shapes.size() * plane_size(options));
  const auto expected = shape_gradients(options, shapes, weights);
  options.threads = 3;
  EXPECT_EQ(shape_gradients(options, shapes, weights), expected);
}

TEST(WaveletShapes, AreThoseOfTheOptions) {
  const auto shapes = wavelet_shapes({.height = 32, .width = 32, .scales = 2, .angles = 4});
  ASSERT_EQ(shapes.size(), 8);
  const Scattering plan({.height = 32, .width = 32, .scales = 2, .angles = 4});
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(shapes[i].theta, plan.theta(i % 4));
    EXPECT_EQ(shapes[i].sigma, i < 4 ? 0.8 : 1.6);
    EXPECT_EQ(shapes[i].xi, plan.options().center_frequency / (i < 4 ? 1 : 2));
    EXPECT_EQ(shapes[i].slant, 1);
  }
}

TEST(GivenShapes, AreRefusedOutOfRange) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 4};
  const Scattering plan(options);
  const auto shapes = wavelet_shapes(options);
  const std::vector<double> gradients(shapes.size() * plane_size(options));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  struct Bad {
    double WaveletShape::* number;
    double value;
    std::string message;
  };
  for (const auto& [number, value, message] :
       {Bad{&WaveletShape::theta, nan, "theta of the wavelet of scale 1 and angle 2 is nan"},
        Bad{&WaveletShape::theta, infinity, "theta of the wavelet of scale 1 and angle 2 is inf"},
        Bad{&WaveletShape::xi, nan, "xi of the wavelet of scale 1 and angle 2 is nan"},
        Bad{&WaveletShape::xi, 3.2, "is 3.2; it must be between -pi and pi"},
        Bad{&WaveletShape::xi, -3.2, "is -3.2; it must be between -pi and pi"},
        Bad{&WaveletShape::sigma, 0,
            "sigma of the wavelet of scale 1 and angle 2 is 0; it must be at least 0.1"},
        Bad{&WaveletShape::sigma, -1, "is -1; it must be at least 0.1"},
        Bad{&WaveletShape::sigma, nan, "sigma"}, Bad{&WaveletShape::sigma, infinity, "sigma"},
        Bad{&WaveletShape::slant, 0,
            "slant of the wavelet of scale 1 and angle 2 is 0; it must be between 0.01"},
        Bad{&WaveletShape::slant, nan, "slant"}}) {
    auto bad = shapes;
    bad[6].*number = value;
    test::expect_error([&] { plan.with_wavelets(bad); }, message);
    test::expect_error([&] { shape_gradients(options, bad, gradients); }, message);
  }
  auto largest = shapes;
  largest[6].xi = std::numbers::pi;
  EXPECT_NO_THROW(plan.with_wavelets(largest));
  auto few = shapes;
  few.pop_back();
  test::expect_error([&] { plan.with_wavelets(few); },
                     "7 shapes are given; J = 2 scales of L = 4 angles have 8");
  test::expect_error([&] { shape_gradients(options, shapes, std::span(gradients).first(100)); },
                     "wavelet_gradients hold 100 values");
}

}  // namespace
}  // namespace scatlight
