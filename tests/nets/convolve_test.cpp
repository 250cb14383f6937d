// convolve() gives what at::conv2d gives, gradients included.

#include "nets/convolve.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <optional>
#include <tuple>
#include <vector>

#include "support/compare.h"

namespace scatlight::nets {
namespace {

std::span<const double> numbers_of(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<double>(), static_cast<std::size_t>(tensor.numel())};
}

/// Of the kernel's side, the stride, and whether there is a bias and the input has a gradient.
class Convolve : public testing::TestWithParam<std::tuple<int, int, bool, bool>> {};

TEST_P(Convolve, EqualsTorchs) {
  const auto [kernel, stride, has_bias, trains_input] = GetParam();
  at::manual_seed(1);
  const auto options = at::TensorOptions(at::kDouble);
  const auto last = at::MemoryFormat::ChannelsLast;
  const auto images = at::rand({2, 6, 11, 9}, options);
  const auto kernels = at::randn({5, 6, kernel, kernel}, options);
  const auto shifts = at::randn({5}, options);
  // The output and the gradients of one function, all contiguous.
  const auto results = [&](const auto& function) {
    const auto x = images.contiguous(last).requires_grad_(trains_input);
    const auto weight = kernels.contiguous(last).detach().clone().requires_grad_(true);
    const auto bias = has_bias ? std::optional(shifts.clone().requires_grad_(true)) : std::nullopt;
    const at::Tensor y = function(x, weight, bias);
    (y * at::sin(at::arange(y.numel(), options)).view_as(y)).sum().backward();
    std::vector<at::Tensor> all = {y.detach().contiguous(), weight.grad().contiguous()};
    if (has_bias) all.push_back(bias->grad());
    if (trains_input) all.push_back(x.grad().contiguous());
    return all;
  };
  const auto expected = results([&](const auto& x, const auto& weight, const auto& bias) {
    return at::conv2d(x, weight, bias, stride, kernel / 2);
  });
  const auto actual = results([&](const auto& x, const auto& weight, const auto& bias) {
    return convolve(x, weight, bias, stride, kernel / 2);
  });
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    test::expect_close(numbers_of(actual[i]), numbers_of(expected[i]), {.relative = 0, .of_scale = 1e-13},
                       "output or gradient");
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Convolve,
                         testing::Combine(testing::Values(1, 3), testing::Values(1, 2), testing::Bool(),
                                          testing::Bool()));

TEST(Convolve, TakesNoGradientOfWhatIsNotTrained) {
  const auto x = at::rand({1, 4, 8, 8}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_(true);
  const auto weight = at::randn({3, 4, 3, 3});
  convolve(x, weight, {}, 1, 1).sum().backward();
  EXPECT_TRUE(x.grad().defined());
  EXPECT_FALSE(weight.grad().defined());
}

}  // namespace
}  // namespace scatlight::nets
