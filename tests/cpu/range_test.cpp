// Samples and gradients of any magnitude, though the modulus squares.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "cpu/plans.h"
#include "support/compare.h"

namespace scatlight {
namespace {

using test::are_small;
using test::differentiate;
using test::make_plan;
using test::name_of;
using test::random_gradients;
using test::random_planes;
using test::times;
using test::transform;

class EveryRange : public testing::TestWithParam<std::string> {};

// Without the reference, whose float64 holds the square of any float32 number.
INSTANTIATE_TEST_SUITE_P(, EveryRange, testing::ValuesIn(test::fast_engines()),
                         [](const auto& info) { return info.param; });

// Small planes, which share vectors; large ones, one of them on tiles, one by a vector-radix plan.
const std::vector<ScatteringOptions>& range_cases() {
  static const std::vector<ScatteringOptions> list = {
      {.height = 40, .width = 56, .scales = 2, .angles = 3, .max_order = 2},
      {.height = 96, .width = 100, .scales = 3, .angles = 2, .max_order = 2},
      {.height = 331, .width = 331, .scales = 3, .angles = 1},
      {.height = 96, .width = 128, .scales = 3, .angles = 1},
  };
  return list;
}

// The factors of as many planes as are tried, from place `first` on.
template <class T>
std::vector<T> cycle(const std::vector<T>& factors, const ScatteringOptions& options, std::size_t first) {
  std::vector<T> all(are_small(options) ? test::many_planes : factors.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = factors[(first + i) % factors.size()];
  return all;
}

template <class T>
void expect_reference(const std::string& engine, const std::vector<T>& magnitudes, const test::Bound& of_maps,
                      double of_gradients) {
  for (const auto& options : range_cases()) {
    const auto name = name_of(options);
    const auto plan = make_plan(engine, options);
    const auto reference = make_plan("reference", options);
    const auto image = random_planes<T>(options, 1);
    const auto gradient = random_gradients<T>(plan, 1);
    const auto factors = cycle(magnitudes, options, 0);
    const auto gradient_factors = cycle(magnitudes, options, 2);  // their range is their own
    const std::vector<double> exact_image(image.begin(), image.end());
    const std::vector<double> exact_gradient(gradient.begin(), gradient.end());
    const std::vector<double> same(factors.size(), 1.0);
    const auto divided = [&](const std::vector<T>& planes, const std::vector<T>& by) {
      std::vector<double> values(planes.begin(), planes.end());
      for (std::size_t i = 0; i < values.size(); ++i) values[i] /= by[i * by.size() / values.size()];
      return values;
    };
    const auto images = times(image, factors);
    const auto maps = divided(transform(plan, images), factors);
    const auto expected_maps = times(transform(reference, exact_image), same);
    test::expect_close(std::span(maps), std::span(expected_maps), of_maps, name.c_str());

    const auto gradients =
        divided(differentiate(plan, images, times(gradient, gradient_factors)), gradient_factors);
    const auto expected_gradients = times(differentiate(reference, exact_image, exact_gradient), same);
    test::expect_close_in_norm(std::span(gradients), std::span(expected_gradients), of_gradients,
                               name.c_str());
  }
}

TEST_P(EveryRange, EqualsTheReferenceInFloat32) {
  expect_reference<float>(GetParam(), {1e-30F, 1e-22F, 1e-20F, 1, 1e20F, 1e30F},
                          {.relative = 1e-5, .of_scale = 1e-6}, 1e-5);
}

TEST_P(EveryRange, EqualsTheReferenceInFloat64) {
  expect_reference<double>(GetParam(), {1e-250, 1e-170, 1, 1e170, 1e250}, {.relative = 0, .of_scale = 1e-12},
                           1e-11);
}

// Powers of two give the same bits, whether planes are multiplied on the way or not.
TEST_P(EveryRange, KeepsTheBitsOfPowersOfTwo) {
  std::vector<float> powers;
  for (const int exponent : {-100, -66, -33, -32, -31, 0, 31, 32, 33, 66, 100})
    powers.push_back(std::ldexp(1.0F, exponent));
  for (const auto& options : range_cases()) {
    const auto plan = make_plan(GetParam(), options);
    const auto image = random_planes<float>(options, 1);
    const auto gradient = random_gradients<float>(plan, 1);
    const auto factors = cycle(powers, options, 0);
    const auto gradient_factors = cycle(powers, options, 3);
    const std::vector<float> same(factors.size(), 1.0F);
    const auto images = times(image, factors);
    // Each plane gives the same: they are as many as are multiplied, so that they share vectors or do not.
    const auto first_of = [&](const std::vector<float>& planes) {
      return std::vector<float>(planes.begin(), planes.begin() + planes.size() / same.size());
    };
    const auto given = times(image, same);
    EXPECT_EQ(transform(plan, images), times(first_of(transform(plan, given)), factors)) << name_of(options);
    EXPECT_EQ(differentiate(plan, images, times(gradient, gradient_factors)),
              times(first_of(differentiate(plan, given, times(gradient, same))), gradient_factors))
        << name_of(options);
  }
}

// A sample that is not a number does not hide how small the others are: what it does not reach, on tiles,
// stays.
TEST_P(EveryRange, IsThatOfFiniteSamples) {
  const ScatteringOptions options{.height = 331, .width = 331, .scales = 3, .angles = 1};
  const auto plan = make_plan(GetParam(), options);
  auto image = times(random_planes<float>(options, 1), {1e-30F});
  const auto clean = transform(plan, image);
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    image[0] = bad;
    const auto features = transform(plan, image);
    EXPECT_FALSE(std::isfinite(features[0]));
    for (std::size_t i = 0; i < features.size(); ++i) {
      if (!std::isfinite(features[i])) continue;
      ASSERT_EQ(features[i], clean[i]);
    }
  }
}

}  // namespace
}  // namespace scatlight
