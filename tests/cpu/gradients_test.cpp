// Gradients: the reference against finite differences, every engine against the reference.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "cpu/plans.h"
#include "support/compare.h"

namespace scatlight {
namespace {

using test::are_small;
using test::cases;
using test::differentiate;
using test::make_plan;
using test::name_of;
using test::planes_for;
using test::random_gradients;
using test::random_planes;
using test::repeat_planes;
using test::transform;

class EveryGradient : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(, EveryGradient, testing::ValuesIn(test::engines()),
                         [](const auto& info) { return info.param; });

// L = <gradients, S x>; along a random direction v, (L(x + h v) - L(x - h v)) / 2h = <dL/dx, v>.
TEST(ReferenceGradient, EqualsFiniteDifferences) {
  for (const auto& options : cases()) {
    if (options.height * options.width > 10000) continue;  // nothing new, and slow
    const auto plan = make_plan("reference", options);
    const auto images = random_planes<double>(options, 1);
    const auto gradients = random_gradients<double>(plan, 1);
    const auto gradient = differentiate(plan, images, gradients);
    auto direction = random_planes<double>(options, 1, 9);
    for (auto& value : direction) value -= 0.5;
    const auto loss = [&](double step) {
      auto moved = images;
      for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += step * direction[i];
      const auto features = transform(plan, moved);
      return std::inner_product(features.begin(), features.end(), gradients.begin(), 0.0);
    };
    constexpr double step = 1e-6;
    const double slope = (loss(step) - loss(-step)) / (2 * step);
    const double expected = std::inner_product(gradient.begin(), gradient.end(), direction.begin(), 0.0);
    double scale = 0;  // of the terms of the sum
    for (std::size_t i = 0; i < gradient.size(); ++i) scale += std::pow(gradient[i] * direction[i], 2);
    EXPECT_NEAR(slope, expected, 1e-6 * std::sqrt(scale) + 1e-9) << name_of(options);
  }
}

template <class T>
void expect_gradient(const Scattering& plan, const std::vector<double>& images,
                     const std::vector<double>& gradients, const std::vector<double>& expected,
                     const test::Bound& bound) {
  const auto actual = differentiate(plan, std::vector<T>(images.begin(), images.end()),
                                    std::vector<T>(gradients.begin(), gradients.end()));
  test::expect_close(std::span(actual), std::span(expected), bound, name_of(plan).c_str());
}

// A case with all engines, as the reference takes longer for it than the others together.
class GradientsOfEveryCase : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(, GradientsOfEveryCase, testing::Range(std::size_t{0}, cases().size()));

TEST_P(GradientsOfEveryCase, EqualThoseOfTheReference) {
  const auto options = cases()[GetParam()];
  const int planes = planes_for(options, 2);
  const auto reference = make_plan("reference", options);
  const auto samples = random_planes<float>(options, planes);
  const auto of_features = random_gradients<float>(reference, planes);
  const std::vector<double> images(samples.begin(), samples.end());
  const std::vector<double> gradients(of_features.begin(), of_features.end());
  const auto expected = differentiate(reference, images, gradients);
  for (const auto& engine : test::engines()) {
    const bool is_reference = engine == "reference";  // of which float32 is compared with float64
    const auto plan = make_plan(engine, options);
    const auto compare = [&](const std::vector<double>& given, const std::vector<double>& of_maps,
                             const std::vector<double>& of_images) {
      // The phase of a small modulus is uncertain: rounding 1e-16 of the image turns it by 1e-16 / |u|.
      if (!is_reference)
        expect_gradient<double>(plan, given, of_maps, of_images, {.relative = 0, .of_scale = 1e-10});
      expect_gradient<float>(plan, given, of_maps, of_images, {.relative = 1e-4, .of_scale = 1e-4});
    };
    compare(images, gradients, expected);
    if (!is_reference && are_small(options)) {
      compare(repeat_planes(images, planes), repeat_planes(gradients, planes),
              repeat_planes(expected, planes));
    }
  }
}

// Order 0 is linear: <g, S x> = <S* g, x>, whatever the boundary and the sampling.
TEST_P(EveryGradient, OfALinearTransformIsItsAdjoint) {
  for (auto options : cases()) {
    options.max_order = 0;
    const auto plan = make_plan(GetParam(), options);
    const auto images = random_planes<double>(options, 2);
    const auto features = transform(plan, images);
    const auto gradients = random_gradients<double>(plan, 2);
    const auto adjoint = differentiate(plan, images, gradients);
    const double left = std::inner_product(features.begin(), features.end(), gradients.begin(), 0.0);
    const double right = std::inner_product(adjoint.begin(), adjoint.end(), images.begin(), 0.0);
    const double scale =
        std::sqrt(std::inner_product(features.begin(), features.end(), features.begin(), 0.0) *
                  std::inner_product(gradients.begin(), gradients.end(), gradients.begin(), 0.0));
    EXPECT_NEAR(left, right, 1e-13 * scale) << name_of(options);
  }
}

// A black image has zero modulus everywhere; only order 0 has a gradient then.
TEST_P(EveryGradient, IsZeroAtZeroModulus) {
  const ScatteringOptions options{.height = 40, .width = 40, .max_order = 2};
  const auto plan = make_plan(GetParam(), options);
  const std::vector<float> black(40 * 40, 0.0F);
  auto gradients = random_gradients<float>(plan, 1);
  const auto map_size = static_cast<std::ptrdiff_t>(plan.output_height()) * plan.output_width();
  std::fill(gradients.begin(), gradients.begin() + map_size, 0.0F);
  for (float value : differentiate(plan, black, gradients)) ASSERT_EQ(value, 0.0F);
  for (float& gradient : gradients) gradient *= 1e30F;
  for (float value : differentiate(plan, black, gradients)) ASSERT_EQ(value, 0.0F);
}

// Of small planes, some that share vectors; 120 x 112 planes do not.
TEST_P(EveryGradient, DoesNotDependOnThreadsNorOnTheBatch) {
  for (const auto& [size, planes, together] : {std::tuple{48, 33, 17}, {120, 7, 1}}) {
    ScatteringOptions options{
        .height = size, .width = size - 8, .scales = 2, .angles = 5, .max_order = 2, .threads = 1};
    const auto images = random_planes<float>(options, planes);
    const auto one = make_plan(GetParam(), options);
    const auto gradients = random_gradients<float>(one, planes);
    const auto expected = differentiate(one, images, gradients);
    options.threads = 3;
    EXPECT_EQ(differentiate(make_plan(GetParam(), options), images, gradients), expected);

    const auto plane = static_cast<std::ptrdiff_t>(images.size() / planes);
    const auto plane_features = static_cast<std::ptrdiff_t>(gradients.size() / planes);
    for (int i = 0; i + together <= planes; i += 4) {
      const auto end = i + together;
      const std::vector<float> some(images.begin() + i * plane, images.begin() + end * plane);
      const std::vector<float> their(gradients.begin() + i * plane_features,
                                     gradients.begin() + end * plane_features);
      EXPECT_EQ(differentiate(one, some, their),
                std::vector<float>(expected.begin() + i * plane, expected.begin() + end * plane));
    }
  }
}

TEST_P(EveryGradient, OfTilesDoesNotDependOnThreads) {
  ScatteringOptions options{.height = 331, .width = 620, .scales = 3, .angles = 2, .threads = 1};
  const auto images = random_planes<float>(options, 5);
  const auto one = make_plan(GetParam(), options);
  const auto gradients = random_gradients<float>(one, 5);
  const auto expected = differentiate(one, images, gradients);
  for (const int threads : {2, 3}) {
    options.threads = threads;
    EXPECT_EQ(differentiate(make_plan(GetParam(), options), images, gradients), expected);
  }
}

TEST_P(EveryGradient, NanStaysInItsPlane) {
  const ScatteringOptions options{.height = 40, .width = 33, .max_order = 2, .threads = 1};
  const auto plan = make_plan(GetParam(), options);
  auto images = random_planes<float>(options, 3);
  const auto gradients = random_gradients<float>(plan, 3);
  const auto expected = differentiate(plan, images, gradients);
  const std::size_t plane = images.size() / 3;
  images[plane + 17] = std::numeric_limits<float>::quiet_NaN();
  const auto actual = differentiate(plan, images, gradients);
  for (std::size_t i = 0; i < plane; ++i) {
    ASSERT_EQ(actual[i], expected[i]);
    ASSERT_TRUE(std::isnan(actual[plane + i]));
    ASSERT_EQ(actual[2 * plane + i], expected[2 * plane + i]);
  }
}

}  // namespace
}  // namespace scatlight
