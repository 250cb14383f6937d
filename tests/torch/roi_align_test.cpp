// RoI align on features whose pooled values are known, its gradient, and what it refuses.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <limits>

#include "support/compare.h"
#include "support/expect_error.h"
#include "torch/roi_align_aten.h"
#include "torch/roi_align_op.h"

namespace scatlight {
namespace {

using torch_ops::roi_align;
using torch_ops::RoiAlignOptions;

constexpr double infinity = std::numeric_limits<double>::infinity();

at::Tensor rois_of(const std::vector<double>& numbers, at::ScalarType type = at::kDouble) {
  return at::tensor(numbers, at::kDouble).view({-1, 5}).to(type);
}

void expect_close(const at::Tensor& actual, const at::Tensor& expected, test::Bound bound, const char* what) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  const auto a = actual.to(at::kDouble).contiguous();
  const auto e = expected.to(at::kDouble).contiguous();
  test::expect_close(std::span(a.const_data_ptr<double>(), static_cast<std::size_t>(a.numel())),
                     std::span(e.const_data_ptr<double>(), static_cast<std::size_t>(e.numel())), bound, what);
}

/// Regions of all sizes, some over the edge, of all images.
at::Tensor many_rois(std::int64_t images, std::int64_t count, double side) {
  const auto corner = (at::rand({count, 2}, at::kDouble) * 1.2 - 0.2) * side;
  const auto size = at::rand({count, 2}, at::kDouble).square() * side;
  const auto image = at::randint(images, {count, 1}, at::kDouble);
  return at::cat({image, corner, corner + size}, 1);
}

TEST(RoiAlign, OfARampIsTheRampAtTheCentresOfTheBins) {
  const auto y = at::arange(20, at::kDouble).view({1, 1, 20, 1});
  const auto x = at::arange(30, at::kDouble).view({1, 1, 1, 30});
  const auto features = at::cat({(3 * x + 0 * y), (2 * y - x)}, 1);
  const auto pooled = roi_align(features, rois_of({0, 16, 32, 16 + 16 * 14, 32 + 16 * 7}), {.bins = 7});
  const auto centre_x = 1 + 2 * (at::arange(7, at::kDouble) + 0.5).view({1, 7});  // in cells
  const auto centre_y = 2 + 1 * (at::arange(7, at::kDouble) + 0.5).view({7, 1});
  const auto expected = at::stack({3 * centre_x + 0 * centre_y, 2 * centre_y - centre_x}).unsqueeze(0);
  expect_close(pooled, expected, {.relative = 0, .of_scale = 1e-13}, "ramp");
}

TEST(RoiAlign, OfAConstantIsTheConstant) {
  const auto features = at::full({1, 3, 9, 9}, 2.5);
  const auto pooled = roi_align(features, rois_of({0, 3, 5, 100, 77}, at::kFloat), {.bins = 5, .samples = 3});
  expect_close(pooled, at::full({1, 3, 5, 5}, 2.5), {.relative = 1e-6, .of_scale = 0}, "constant");
}

TEST(RoiAlign, OutsideIsZeroAndNearTheEdgeIsTheEdge) {
  const auto features = at::ones({1, 1, 8, 8}, at::kDouble);
  const RoiAlignOptions options{.scale = 1, .bins = 1, .samples = 2};
  const auto value = [&](double left, double right) {
    return roi_align(features, rois_of({0, left, 2, right, 4}), options).item<double>();
  };
  EXPECT_EQ(value(-5, -3), 0);
  EXPECT_EQ(value(-1.5, 0.5), 1) << "samples at -1 and 0";
  EXPECT_EQ(value(-2, 0), 0.5) << "samples at -1.5 and -0.5";
  EXPECT_EQ(value(7, 9), 0.5) << "samples at 7.5 and 8.5";
  EXPECT_EQ(value(8.5, 12), 0);
}

TEST(RoiAlign, ARegionHasAtLeastOneCell) {
  const auto features = at::arange(8, at::kDouble).view({1, 1, 1, 8}).expand({1, 1, 8, 8});
  const RoiAlignOptions options{.scale = 1, .bins = 1, .samples = 2};
  EXPECT_EQ(roi_align(features, rois_of({0, 3, 3, 3, 3}), options).item<double>(), 3.5);
  EXPECT_EQ(roi_align(features, rois_of({0, 3, 3, 1, 1}), options).item<double>(), 3.5) << "inside out";
}

TEST(RoiAlign, EachRegionIsOfItsOwnImage) {
  const auto features = at::arange(3, at::kDouble).view({3, 1, 1, 1}).expand({3, 2, 6, 6});
  const auto pooled = roi_align(features, rois_of({2, 0, 0, 50, 50, 0, 0, 0, 50, 50, 1, 0, 0, 50, 50}), {});
  EXPECT_NEAR(pooled[0].mean().item<double>(), 2, 1e-12);
  EXPECT_NEAR(pooled[1].mean().item<double>(), 0, 1e-12);
  EXPECT_NEAR(pooled[2].mean().item<double>(), 1, 1e-12);
}

TEST(RoiAlign, TakesAnyStridesAndBothTypes) {
  at::manual_seed(0);
  const auto features = at::randn({2, 37, 11, 14}, at::kDouble);
  const auto rois = many_rois(2, 9, 200);
  const auto expected = roi_align(features, rois, {});
  EXPECT_TRUE(expected.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::equal(roi_align(features.contiguous(at::MemoryFormat::ChannelsLast), rois, {}), expected));
  EXPECT_TRUE(at::equal(
      roi_align(features.transpose(2, 3).contiguous().transpose(2, 3), rois.t().contiguous().t(), {}),
      expected));
  expect_close(roi_align(features.to(at::kFloat), rois.to(at::kFloat), {}), expected,
               {.relative = 1e-5, .of_scale = 1e-5}, "float32");
  EXPECT_EQ(roi_align(features, rois.slice(0, 0, 0), {}).sizes(), at::IntArrayRef({0, 37, 7, 7}));
}

at::Tensor gradient_of(const at::Tensor& features, const at::Tensor& rois, const RoiAlignOptions& options,
                       const at::Tensor& weights) {
  const auto leaf = features.detach().requires_grad_(true);
  return torch::autograd::grad({roi_align(leaf, rois, options)}, {leaf}, {weights}).at(0);
}

// The operator is linear in the features, so that one difference of any length is exact.
TEST(RoiAlign, GradientEqualsFiniteDifferences) {
  at::manual_seed(0);
  const auto features = at::randn({2, 150, 6, 9}, at::kDouble);  // more channels than a thread takes at once
  const auto rois = many_rois(2, 12, 140);
  const auto weights = at::randn({12, 150, 3, 3}, at::kDouble);
  const RoiAlignOptions options{.bins = 3};
  const auto gradient = gradient_of(features, rois, options, weights);
  EXPECT_EQ(gradient.sizes(), features.sizes());
  const auto change = at::randn_like(features);
  const double expected = (roi_align(change, rois, options) * weights).sum().item<double>();
  EXPECT_NEAR((gradient * change).sum().item<double>(), expected, 1e-11 * std::abs(expected) + 1e-11);
  const auto in_float =
      gradient_of(features.to(at::kFloat), rois.to(at::kFloat), options, weights.to(at::kFloat));
  expect_close(in_float, gradient, {.relative = 1e-4, .of_scale = 1e-5}, "float32");
}

TEST(RoiAlign, DoesNotDependOnTheNumberOfThreads) {
  at::manual_seed(0);
  const auto features = at::randn({1, 300, 9, 9});
  const auto rois = many_rois(1, 15, 140).to(at::kFloat);
  const auto weights = at::randn({15, 300, 7, 7});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto pooled = roi_align(features, rois, {});
  const auto gradient = gradient_of(features, rois, {}, weights);
  at::set_num_threads(3);
  EXPECT_TRUE(at::equal(roi_align(features, rois, {}), pooled));
  EXPECT_TRUE(at::equal(gradient_of(features, rois, {}, weights), gradient));
  at::set_num_threads(threads);
}

// What a GPU runs, on the CPU.
TEST(RoiAlign, EqualsThatOfTorchsOperators) {
  at::manual_seed(0);
  for (const auto& [height, width] : {std::pair{9, 13}, {1, 5}, {4, 1}}) {
    const auto features = at::randn({3, 5, height, width}, at::kDouble);
    const auto rois = many_rois(2, 20, 220);  // the last image has no region
    for (const auto& options : {RoiAlignOptions{}, RoiAlignOptions{.scale = 0.1, .bins = 2, .samples = 3}}) {
      const auto pooled = roi_align(features, rois, options);
      expect_close(torch_ops::pool_rois_by_torch(features, rois, options), pooled,
                   {.relative = 0, .of_scale = 1e-12}, "pooled");
      const auto weights = at::randn_like(pooled);
      expect_close(torch_ops::spread_rois_by_torch(weights, rois, features.sizes(), options),
                   gradient_of(features, rois, options, weights), {.relative = 0, .of_scale = 1e-12},
                   "gradient");
    }
  }
}

TEST(RoiAlign, MetaKernelsGiveTheSameShapes) {
  const auto meta = at::device(at::kMeta).dtype(at::kFloat);
  const auto features = at::empty({2, 8, 5, 6}, meta).requires_grad_(true);
  const auto pooled = roi_align(features, at::empty({4, 5}, meta), {.bins = 3});
  const auto real = roi_align(at::rand({2, 8, 5, 6}), at::zeros({4, 5}), {.bins = 3});
  EXPECT_EQ(pooled.sizes(), real.sizes());
  EXPECT_EQ(pooled.strides(), real.strides());
  EXPECT_EQ(torch::autograd::grad({pooled.sum()}, {features}).at(0).sizes(), features.sizes());
}

TEST(RoiAlign, IsDifferentiableOnce) {
  const auto features = at::rand({1, 1, 8, 8}).requires_grad_(true);
  const auto loss = roi_align(features, at::zeros({1, 5}), {}).square().sum();
  test::expect_error([&] { torch::autograd::grad({loss}, {features}, {}, true, /*create_graph=*/true); },
                     "differentiated once");
}

TEST(RoiAlign, RefusesWithOneLine) {
  const auto features = at::rand({2, 1, 8, 8}, at::kDouble);
  const auto rois = rois_of({0, 1, 2, 3, 4});
  test::expect_error([&] { roi_align(features[0], rois, {}); }, "3 dimensions");
  test::expect_error([&] { roi_align(features.slice(2, 0, 0), rois, {}); }, "0 x 8");
  test::expect_error([&] { roi_align(features.to(at::kInt), rois.to(at::kInt), {}); }, "float32 or float64");
  test::expect_error([&] { roi_align(features, rois.slice(1, 1), {}); }, "(1, 4)");
  test::expect_error([&] { roi_align(features, rois.to(at::kFloat), {}); },
                     "they are Float on cpu, not Double on cpu");
  test::expect_error([&] { roi_align(features, rois_of({0, 1, 2, 3, 4, 2, 1, 2, 3, 4}), {}); },
                     "region 1 is of image 2");
  test::expect_error([&] { roi_align(features, rois_of({-1, 1, 2, 3, 4}), {}); }, "region 0 is of image -1");
  test::expect_error([&] { roi_align(features, rois_of({0.5, 1, 2, 3, 4}), {}); }, "of image 0.5");
  test::expect_error([&] { roi_align(features, rois_of({0, 1, infinity, 3, 4}), {}); },
                     "region 0 is not of finite");
  test::expect_error([&] { roi_align(features, rois, {.scale = 0}); }, "scale 0");
  test::expect_error([&] { roi_align(features, rois, {.bins = 0}); }, "0 bins");
  test::expect_error([&] { roi_align(features, rois, {.samples = 17}); }, "17 samples");
}

TEST(RoiAlign, HugeRegionsAreOutside) {
  const auto features = at::rand({1, 1, 8, 8});
  const auto rois = rois_of({0, -3e38, -3e38, 3e38, 3e38, 0, 1e30, 0, 2e30, 5}, at::kFloat);
  EXPECT_EQ(roi_align(features, rois, {.scale = 1}).abs().sum().item<float>(), 0);
}

}  // namespace
}  // namespace scatlight
