#include "train/sgd.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "support/compare.h"

namespace scatlight::train {
namespace {

std::span<const float> numbers(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

/// Three steps on f(p) = sum(c p^2) / 2, whose gradient is c p, against the formula in doubles.
void expect_formula(at::MemoryFormat format) {
  at::Tensor p = at::rand({4, 3, 5, 5}).contiguous(format);
  const at::Tensor c = at::rand({4, 3, 5, 5});
  at::Tensor expected = p.to(at::kDouble);
  at::Tensor v = at::zeros_like(expected);
  p.requires_grad_(true);
  Sgd sgd({{"p", p}}, {.momentum = 0.9, .weight_decay = 0.01});
  for (const double rate : {0.5, 0.25, 0.125}) {
    (c * p * p).sum().mul(0.5).backward();
    sgd.step(rate);
    EXPECT_FALSE(p.grad().defined()) << "the gradient is used up";
    v = 0.9 * v + (c.to(at::kDouble) * expected + 0.01 * expected);
    expected = expected - rate * v;
  }
  const at::NoGradGuard no_grad;
  const auto actual_values = p.contiguous();
  const auto expected_values = expected.to(at::kFloat).contiguous();
  test::expect_close(numbers(actual_values), numbers(expected_values), {.relative = 1e-5, .of_scale = 1e-6},
                     "parameter");
  const auto actual_velocity = sgd.velocities().front().second.contiguous();
  const auto expected_velocity = v.to(at::kFloat).contiguous();
  test::expect_close(numbers(actual_velocity), numbers(expected_velocity),
                     {.relative = 1e-5, .of_scale = 1e-6}, "velocity");
}

TEST(Sgd, FollowsTheFormula) { expect_formula(at::MemoryFormat::Contiguous); }

TEST(Sgd, FollowsTheFormulaInChannelsLast) { expect_formula(at::MemoryFormat::ChannelsLast); }

TEST(Sgd, BiasesMayHaveTheirOwnRateAndNoDecay) {
  auto weight = at::full({1}, 2.0F).requires_grad_(true);
  auto bias = at::full({1}, 2.0F).requires_grad_(true);
  Sgd sgd({{"conv.weight", weight}, {"conv.bias", bias}},
          {.momentum = 0, .weight_decay = 0.5, .decay_biases = false, .bias_rate = 2});
  (weight + bias).sum().backward();
  sgd.step(0.25);
  EXPECT_EQ(weight.item<float>(), 1.5F) << "2 - (1 + 2 / 2) / 4";
  EXPECT_EQ(bias.item<float>(), 1.5F) << "2 - 1 * 2 / 4";
}

TEST(Sgd, ScalesGradientsDownToANormOfAllTogether) {
  for (const double limit : {10.0, 2.5}) {
    auto a = at::full({1}, 0.0F).requires_grad_(true);
    auto b = at::full({1}, 0.0F).requires_grad_(true);
    Sgd sgd({{"a", a}, {"b", b}}, {.momentum = 0, .weight_decay = 0, .clip_norm = limit});
    (3 * a + 4 * b).sum().backward();  // a gradient of norm 5
    sgd.step(1);
    const float scale = limit < 5 ? 0.5F : 1;
    EXPECT_FLOAT_EQ(a.item<float>(), -3 * scale);
    EXPECT_FLOAT_EQ(b.item<float>(), -4 * scale);
  }
}

TEST(Sgd, WithoutMomentumKeepsNoVelocity) {
  auto p = at::full({3}, 2.0F).requires_grad_(true);
  Sgd sgd({{"p", p}}, {.momentum = 0, .weight_decay = 0.5});
  for (int step = 0; step < 2; ++step) {
    p.sum().backward();
    sgd.step(0.25);
  }
  // 2 - (1 + 2 / 2) / 4 = 1.5; 1.5 - (1 + 1.5 / 2) / 4 = 1.0625
  EXPECT_TRUE(at::equal(p, at::full({3}, 1.0625F)));
  EXPECT_TRUE(at::equal(sgd.velocities().front().second, at::zeros({3})));
}

}  // namespace
}  // namespace scatlight::train
