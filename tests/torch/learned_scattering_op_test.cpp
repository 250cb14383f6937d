// The operator whose wavelets are an argument: against the fixed one, and its gradient for both.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/expect_error.h"
#include "torch/front_end.h"
#include "torch/wavelets.h"

namespace scatlight {
namespace {

using torch_ops::first_wavelets;
using torch_ops::scatter;
using torch_ops::scatter_by;

/// Three sets near them, one as no other.
at::Tensor three_sets(const at::Tensor& wavelets) {
  const auto noise = 0.1 * (at::rand({3, wavelets.size(0), wavelets.size(1), 4}, at::kDouble) - 0.5);
  return wavelets.unsqueeze(0) * (1 + noise) + noise.abs();
}

TEST(LearnedScatteringOperator, BeginsAsTheFixedOne) {
  for (const auto type : {at::kFloat, at::kDouble}) {
    const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 4, .max_order = 2};
    const auto images = at::rand({2, 3, 24, 32}, type);
    const auto wavelets = first_wavelets(options);
    const auto expected = scatter(images, options);
    EXPECT_TRUE(at::equal(scatter_by(images, wavelets, options), expected));
    // A set for each channel: planes are transformed in other pairs.
    const auto by_each = scatter_by(images, wavelets.repeat({3, 1, 1, 1}), options);
    EXPECT_LT((by_each - expected).abs().max().item<double>(), type == at::kFloat ? 1e-6 : 1e-14);
  }
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 4};
  const auto images = at::rand({2, 3, 24, 32});
  const torch_ops::MapFormat format{.type = at::kBFloat16, .memory = at::MemoryFormat::ChannelsLast};
  const auto expected = scatter(images, options, format);
  for (const auto& wavelets : {first_wavelets(options), first_wavelets(options).repeat({3, 1, 1, 1})}) {
    const auto maps = scatter_by(images, wavelets, options, format);
    EXPECT_TRUE(at::equal(maps, expected));
    EXPECT_TRUE(maps.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_EQ(maps.scalar_type(), at::kBFloat16);
  }
}

TEST(LearnedScatteringOperator, EachChannelHasItsOwnSet) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 3, .max_order = 2};
  const auto images = at::rand({2, 3, 20, 24}, at::kDouble);
  const auto sets = three_sets(first_wavelets(options));
  const auto maps = scatter_by(images, sets, options);
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    const auto alone = scatter_by(images.narrow(1, channel, 1), sets[channel], options);
    EXPECT_TRUE(at::equal(maps.narrow(1, channel * alone.size(1), alone.size(1)), alone)) << channel;
  }
}

/// Along a random direction of the images, and of the wavelets.
void expect_differences(const at::Tensor& wavelets, const at::Tensor& images,
                        const ScatteringOptions& options) {
  auto x = images.clone().requires_grad_(true);
  auto w = wavelets.clone().requires_grad_(true);
  const auto maps = scatter_by(x, w, options);
  const auto weights = at::rand_like(maps.detach()) - 0.5;
  (maps * weights).sum().backward();
  for (const auto* const leaf : {&x, &w}) {
    const bool of_images = leaf == &x;
    const auto direction = at::rand_like(*leaf).detach() - 0.5;
    const auto loss = [&](double step) {
      const at::NoGradGuard no_grad;
      const auto moved = *leaf + step * direction;
      const auto result = scatter_by(of_images ? moved : x, of_images ? w : moved, options);
      return (result * weights).sum().item<double>();
    };
    constexpr double step = 1e-5;
    const auto slope = (loss(step) - loss(-step)) / (2 * step);
    const auto products = leaf->grad() * direction;
    EXPECT_NEAR(products.sum().item<double>(), slope, 1e-6 * products.norm().item<double>())
        << (of_images ? "images" : "wavelets");
  }
}

TEST(LearnedScatteringOperator, GradientEqualsFiniteDifferences) {
  for (const int order : {1, 2}) {
    const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 3, .max_order = order};
    const auto images = at::rand({2, 3, 16, 20}, at::kDouble);
    const auto sets = three_sets(first_wavelets(options));
    expect_differences(sets, images, options);
    expect_differences(sets[0], images, options);
  }
}

TEST(LearnedScatteringOperator, IsDifferentiableOnce) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 1, .angles = 2};
  auto wavelets = first_wavelets(options).requires_grad_(true);
  const auto loss = scatter_by(at::rand({1, 1, 8, 8}), wavelets, options).sum();
  test::expect_error([&] { torch::autograd::grad({loss}, {wavelets}, {}, std::nullopt, true); },
                     "can be differentiated once");
}

TEST(LearnedScatteringOperator, MetaKernelGivesTheSameShape) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 3};
  const auto on_meta = at::device(at::kMeta);
  const auto maps = scatter_by(at::empty({2, 3, 16, 20}, on_meta.dtype(at::kFloat)),
                               at::empty({2, 3, 4}, on_meta.dtype(at::kDouble)), options);
  EXPECT_EQ(maps.sizes(), at::IntArrayRef({2, 21, 4, 5}));
}

TEST(LearnedScatteringOperator, RefusesWithOneLine) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 4};
  const auto images = at::rand({1, 3, 16, 16});
  const auto wavelets = first_wavelets(options);
  const auto expect_refused = [&](const at::Tensor& given, const char* message) {
    test::expect_error([&] { scatter_by(images, given, options); }, message);
  };
  expect_refused(wavelets.to(at::kFloat), "needs float64 wavelets of shape (2, 4, 4)");
  expect_refused(wavelets.flatten(), "these are Double (32)");
  expect_refused(wavelets.narrow(1, 0, 3), "these are Double (2, 3, 4)");
  expect_refused(wavelets.repeat({2, 1, 1, 1}), "one more side for each of 3 channels");
  auto bad = wavelets.clone();
  bad[1][2][2] = 0;
  expect_refused(bad, "sigma of the wavelet of scale 1 and angle 2 is 0; it must be at least 0.1");
  bad[1][2][2] = std::numeric_limits<double>::quiet_NaN();
  expect_refused(bad, "sigma of the wavelet of scale 1 and angle 2 is nan");
}

}  // namespace
}  // namespace scatlight
