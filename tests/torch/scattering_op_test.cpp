// The operator against the plan, its shapes without data, its gradient, and what it refuses.

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <thread>

#include "support/compare.h"
#include "support/expect_error.h"
#include "torch/front_end.h"
#include "torch/plan_cache.h"

namespace scatlight {
namespace {

using torch_ops::scatter;

template <class T>
std::span<const T> values(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<T>(), static_cast<std::size_t>(tensor.numel())};
}

TEST(ScatteringOperator, EqualsThePlan) {
  const ScatteringOptions options{.height = 40, .width = 56, .scales = 2, .max_order = 2};
  const Scattering plan(options);
  const auto images = at::rand({3, 2, 40, 56});
  const auto features = scatter(images, options);
  const auto maps = static_cast<std::int64_t>(plan.paths().size());
  ASSERT_EQ(features.sizes(), at::IntArrayRef({3, 2 * maps, 10, 14}));
  std::vector<float> expected(features.numel());
  plan.forward(values<float>(images), std::span<float>(expected));
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), values<float>(features).begin()));
}

TEST(ScatteringOperator, TakesAnyStridesAndBothTypes) {
  const ScatteringOptions options{.scales = 2};
  const auto images = at::rand({2, 3, 24, 32}, at::kDouble);
  const auto expected = scatter(images, options);
  EXPECT_EQ(expected.scalar_type(), at::kDouble);
  EXPECT_TRUE(at::equal(scatter(images.contiguous(at::MemoryFormat::ChannelsLast), options), expected));
  EXPECT_TRUE(at::equal(scatter(images.transpose(2, 3).contiguous().transpose(2, 3), options), expected));
  EXPECT_TRUE(at::allclose(scatter(images.to(at::kFloat), options).to(at::kDouble), expected, 1e-5, 1e-6));
  EXPECT_EQ(scatter(images.slice(0, 0, 0), options).sizes(), at::IntArrayRef({0, 51, 6, 8}));
}

TEST(ScatteringOperator, MetaKernelGivesTheSameShape) {
  for (const auto& shape : {std::vector<std::int64_t>{2, 3, 33, 47}, {1, 1, 16, 16}}) {
    const ScatteringOptions options{.scales = 3, .angles = 5, .max_order = 2, .stride = 4};
    const auto real = scatter(at::rand(shape), options);
    const auto meta = scatter(at::empty(shape, at::device(at::kMeta).dtype(at::kFloat)), options);
    EXPECT_EQ(meta.sizes(), real.sizes());
    EXPECT_EQ(meta.scalar_type(), real.scalar_type());
  }
}

TEST(ScatteringOperator, StoresTheMapsAsAsked) {
  const ScatteringOptions options{.scales = 2};
  const auto images = at::rand({2, 3, 24, 32});
  const auto meta = at::empty(images.sizes(), at::device(at::kMeta).dtype(at::kFloat));
  const auto usual = scatter(images, options);
  for (const auto type : {at::kFloat, at::kHalf, at::kBFloat16}) {
    for (const auto memory : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
      const auto maps = scatter(images, options, {.type = type, .memory = memory});
      EXPECT_EQ(maps.scalar_type(), type);
      EXPECT_TRUE(maps.is_contiguous(memory));
      EXPECT_TRUE(at::equal(maps, usual.to(type)));
      const auto shape = scatter(meta, options, {.type = type, .memory = memory});
      EXPECT_EQ(shape.scalar_type(), type);
      EXPECT_EQ(shape.strides(), maps.strides());
    }
  }
}

TEST(ScatteringOperator, GradientOfShortMapsIsThatOfTheGradientsRounded) {
  const ScatteringOptions options{.scales = 2};
  const auto images = at::rand({2, 3, 24, 32}).requires_grad_(true);
  const torch_ops::MapFormat format{.type = at::kBFloat16, .memory = at::MemoryFormat::ChannelsLast};
  const auto gradient = [&](const at::Tensor& maps, const at::Tensor& of_maps) {
    return torch::autograd::grad({maps}, {images}, {of_maps}).at(0);
  };
  const auto usual = scatter(images, options);
  const auto rounded = at::randn_like(usual).to(at::kBFloat16);
  EXPECT_TRUE(at::equal(gradient(scatter(images, options, format), rounded),
                        gradient(usual, rounded.to(at::kFloat))));
}

TEST(ScatteringOperator, GradientEqualsFiniteDifferences) {
  const ScatteringOptions options{.scales = 2, .angles = 4, .max_order = 2};
  const auto images = at::rand({1, 2, 16, 20}, at::kDouble).requires_grad_(true);
  const auto features = scatter(images, options);
  const auto weights = at::randn(features.sizes(), at::kDouble);
  const auto gradient = torch::autograd::grad({(features * weights).sum()}, {images}).at(0);
  const auto direction = at::randn(images.sizes(), at::kDouble);
  const auto loss = [&](double step) {
    return (scatter(images.detach() + step * direction, options) * weights).sum().item<double>();
  };
  const double slope = (loss(1e-6) - loss(-1e-6)) / 2e-6;
  EXPECT_NEAR(slope, (gradient * direction).sum().item<double>(), 1e-6 * std::abs(slope) + 1e-8);
}

TEST(ScatteringOperator, IsDifferentiableOnce) {
  const auto images = at::rand({1, 1, 16, 16}).requires_grad_(true);
  const auto loss = scatter(images, {.scales = 2}).square().sum();
  test::expect_error([&] { torch::autograd::grad({loss}, {images}, {}, true, /*create_graph=*/true); },
                     "differentiated once");
}

TEST(ScatteringOperator, RefusesWithOneLine) {
  test::expect_error([] { scatter(at::rand({3, 32, 32}), {}); }, "3 dimensions");
  test::expect_error([] { scatter(at::zeros({1, 3, 32, 32}, at::kInt), {}); }, "float32 or float64");
  test::expect_error([] { scatter(at::rand({1, 3, 7, 32}), {.scales = 3}); }, "height is 7");
  test::expect_error([] { scatter(at::rand({1, 3, 32, 32}, at::kDouble), {}, {.type = at::kHalf}); },
                     "float64 maps of Double images, not Half");
  test::expect_error([] { scatter(at::rand({1, 3, 32, 32}), {}, {.type = at::kDouble}); }, "not Double");
  test::expect_error(
      [] { scatter(at::rand({1, 3, 32, 32}), {}, {.memory = at::MemoryFormat::ChannelsLast3d}); },
      "channels_last");
}

TEST(ScatteringOperator, RefusesTwoDevices) {
  torch_ops::register_operators();
  const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("scatlight::scattering_backward", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, at::IntArrayRef, at::ArrayRef<double>)>();
  const auto images = at::rand({1, 1, 32, 32});
  const auto gradients = at::empty({1, 25, 4, 4}, at::device(at::kMeta).dtype(at::kFloat));
  test::expect_error([&] { op.call(images, gradients, {}, {}); },
                     "images are on cpu and the gradients of their maps on meta");
}

TEST(ScatteringOperator, PlansAreSharedByThreadsAndBounded) {
  torch_ops::PlanCache<Scattering> cache(2);
  const auto plan = [&](int size) {
    return cache.get({.height = size, .width = size, .scales = 2, .threads = 1});
  };
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const int size = 16 + 4 * (i % 4);
      right += plan(size).options().height == size ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 8);
  // Copies of a plan share their table of paths, so the address tells whether it is the same plan.
  const auto* first = &plan(16).paths();
  EXPECT_EQ(&plan(16).paths(), first);
  plan(20);
  EXPECT_EQ(&plan(16).paths(), first);
}

}  // namespace
}  // namespace scatlight
