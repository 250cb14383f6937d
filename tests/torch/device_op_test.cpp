// The operator on a GPU against the operator on the CPU.

#include <ATen/ATen.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "scatlight/cuda.h"
#include "support/compare.h"
#include "support/expect_error.h"
#include "torch/device.h"
#include "torch/front_end.h"
#include "torch/roi_align_op.h"

namespace scatlight {
namespace {

using torch_ops::scatter;

template <class T>
std::span<const T> values(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<T>(), static_cast<std::size_t>(tensor.numel())};
}

void expect_close(const at::Tensor& on_gpu, const at::Tensor& expected, test::Bound bound, const char* what) {
  ASSERT_TRUE(on_gpu.is_cuda());
  ASSERT_EQ(on_gpu.sizes(), expected.sizes());
  const auto actual = on_gpu.to(at::Device(at::kCPU)).to(at::kDouble).contiguous();
  const auto wanted = expected.to(at::kDouble).contiguous();
  test::expect_close(values<double>(actual), values<double>(wanted), bound, what);
}

class OperatorOnGpu : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "skipped: no GPU";
    gpu = torch_ops::open_device(0);
  }

  at::Device gpu = at::kCPU;
};

constexpr test::Bound float_bound = {.relative = 1e-5, .of_scale = 1e-6};
constexpr test::Bound double_bound = {.relative = 0, .of_scale = 1e-12};

TEST_F(OperatorOnGpu, EqualsThatOnTheCpu) {
  const ScatteringOptions options{.scales = 3, .max_order = 2};
  const auto images = at::rand({3, 2, 40, 56}, at::kDouble);
  const auto expected = scatter(images, options);
  expect_close(scatter(images.to(gpu), options), expected, double_bound, "float64");
  expect_close(scatter(images.to(gpu, at::kFloat), options), expected, float_bound, "float32");
  const auto turned = images.to(gpu).transpose(2, 3).contiguous().transpose(2, 3);
  expect_close(scatter(turned, options), expected, double_bound, "other strides");
  EXPECT_EQ(scatter(images.to(gpu).slice(0, 0, 0), options).size(0), 0);
}

TEST_F(OperatorOnGpu, StoresTheMapsAsAsked) {
  const ScatteringOptions options{.scales = 2};
  const auto images = at::rand({2, 3, 24, 32});
  const auto meta = at::empty(images.sizes(), at::device(at::kMeta).dtype(at::kFloat));
  for (const auto& [type, step] :
       {std::pair{at::kFloat, 0.0}, {at::kHalf, 0x1p-10}, {at::kBFloat16, 0x1p-7}}) {
    for (const auto memory : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
      const torch_ops::MapFormat format{.type = type, .memory = memory};
      const auto maps = scatter(images.to(gpu), options, format);
      EXPECT_EQ(maps.scalar_type(), type);
      EXPECT_EQ(maps.strides(), scatter(meta, options, format).strides());
      expect_close(maps, scatter(images, options), {.relative = step + 1e-5, .of_scale = 1e-6},
                   toString(type));
    }
  }
}

TEST_F(OperatorOnGpu, GradientEqualsThatOnTheCpu) {
  const ScatteringOptions options{.scales = 2, .max_order = 2};
  const auto images = at::rand({2, 3, 24, 32}, at::kDouble);
  const auto weights = at::randn_like(scatter(images, options));
  const auto gradient = [&](const at::Tensor& given, const torch_ops::MapFormat& format) {
    const auto leaf = given.detach().requires_grad_(true);
    const auto maps = scatter(leaf, options, format);
    return torch::autograd::grad({maps}, {leaf}, {weights.to(maps.options()).contiguous(format.memory)})
        .at(0);
  };
  const auto expected = gradient(images, {});
  expect_close(gradient(images.to(gpu), {}), expected, double_bound, "float64");
  for (const auto memory : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    expect_close(gradient(images.to(gpu, at::kFloat), {.memory = memory}), expected,
                 {.relative = 1e-4, .of_scale = 1e-5}, "float32");
    const torch_ops::MapFormat format{.type = at::kBFloat16, .memory = memory};
    expect_close(gradient(images.to(gpu, at::kFloat), format), gradient(images.to(at::kFloat), format),
                 {.relative = 1e-4, .of_scale = 1e-5}, "bfloat16");
  }
}

TEST_F(OperatorOnGpu, RunsOnTheCurrentStream) {
  const ScatteringOptions options{.scales = 2};
  const auto images = at::rand({4, 3, 64, 64});
  const auto expected = scatter(images, options);
  const c10::impl::VirtualGuardImpl device(at::kCUDA);
  for (int round = 0; round < 8; ++round) {
    const auto stream = device.getStreamFromGlobalPool(gpu, false);
    const c10::StreamGuard guard(stream);
    const auto there = images.to(gpu, /*non_blocking=*/true);
    expect_close(scatter(there, options), expected, float_bound, "stream");
  }
}

TEST_F(OperatorOnGpu, RefusesTwoDevices) {
  const auto images = at::rand({1, 1, 32, 32}).requires_grad_(true);
  const auto maps = scatter(images.to(gpu), {});
  EXPECT_ANY_THROW(torch::autograd::grad({maps}, {images}, {at::ones(maps.sizes())}));
}

TEST_F(OperatorOnGpu, RoiAlignEqualsThatOnTheCpu) {
  const auto features = at::rand({2, 40, 12, 17}, at::kDouble);
  const auto corner = at::rand({30, 2}, at::kDouble) * 150;
  const auto rois = at::cat(
      {at::randint(2, {30, 1}, at::kDouble), corner, corner + at::rand({30, 2}, at::kDouble) * 200}, 1);
  const auto weights = at::randn({30, 40, 7, 7}, at::kDouble);
  const auto pooled_and_gradient = [&](const at::TensorOptions& where) {
    const auto leaf = features.detach().to(where).requires_grad_(true);
    const auto pooled = torch_ops::roi_align(leaf, rois.to(where), {});
    return std::pair(pooled.detach(), torch::autograd::grad({pooled}, {leaf}, {weights.to(where)}).at(0));
  };
  const auto [pooled, gradient] = pooled_and_gradient(at::kDouble);
  for (const auto& [type, bound] :
       {std::pair{at::kDouble, test::Bound{0, 1e-12}}, {at::kFloat, test::Bound{1e-4, 1e-5}}}) {
    const auto on_gpu = pooled_and_gradient(at::device(gpu).dtype(type));
    expect_close(on_gpu.first, pooled, bound, "pooled");
    expect_close(on_gpu.second, gradient, bound, "gradient");
  }
}

TEST(OperatorWithoutGpu, OpeningOneFails) {
  EXPECT_TRUE(torch_ops::open_device(std::nullopt).is_cpu());
  test::expect_error([] { torch_ops::open_device(cuda_device_count()); },
                     built_with_cuda() ? "there is no CUDA device" : "no CUDA engine");
}

}  // namespace
}  // namespace scatlight
