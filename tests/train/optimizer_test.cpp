#include "train/optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/compare.h"
#include "support/expect_error.h"

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
  Optimizer sgd({{"p", p}}, {.momentum = 0.9, .weight_decay = 0.01});
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
  const auto actual_velocity = sgd.state().front().second.contiguous();
  const auto expected_velocity = v.to(at::kFloat).contiguous();
  test::expect_close(numbers(actual_velocity), numbers(expected_velocity),
                     {.relative = 1e-5, .of_scale = 1e-6}, "velocity");
}

TEST(Optimizer, FollowsTheFormula) { expect_formula(at::MemoryFormat::Contiguous); }

TEST(Optimizer, FollowsTheFormulaInChannelsLast) { expect_formula(at::MemoryFormat::ChannelsLast); }

/// The parameter after three steps on f(p) = sum(c p^2) / 2, and what `next(p, gradient, step)` makes of it
/// in doubles.
template <class Next>
void expect_steps(const OptimizerOptions& options, Next next) {
  at::Tensor p = at::rand({4, 3, 5, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor c = at::rand({4, 3, 5, 5});
  at::Tensor expected = p.to(at::kDouble);
  p.requires_grad_(true);
  Optimizer optimizer({{"p", p}}, options);
  for (int step = 1; step <= 3; ++step) {
    (c * p * p).sum().mul(0.5).backward();
    optimizer.step(0.1);
    next(expected, c.to(at::kDouble) * expected, step);
  }
  const at::NoGradGuard no_grad;
  const auto actual_values = p.contiguous();
  const auto expected_values = expected.to(at::kFloat).contiguous();
  test::expect_close(numbers(actual_values), numbers(expected_values), {.relative = 1e-5, .of_scale = 1e-6},
                     "parameter");
}

// torch.optim.SGD(nesterov=True)
TEST(Optimizer, NesterovFollowsTheFormula) {
  at::Tensor v;
  expect_steps({.momentum = 0.9, .nesterov = true, .weight_decay = 0.01},
               [&](at::Tensor& p, const at::Tensor& gradient, int step) {
                 const at::Tensor g = gradient + 0.01 * p;
                 v = step == 1 ? g : 0.9 * v + g;
                 p = p - 0.1 * (g + 0.9 * v);
               });
}

// Loshchilov and Hutter, algorithm 2; torch.optim.AdamW
TEST(Optimizer, AdamWFollowsTheFormula) {
  at::Tensor m;
  at::Tensor s;
  expect_steps({.kind = OptimizerKind::AdamW, .weight_decay = 0.3},
               [&](at::Tensor& p, const at::Tensor& g, int step) {
                 m = (step == 1 ? at::zeros_like(g) : m) * 0.9 + 0.1 * g;
                 s = (step == 1 ? at::zeros_like(g) : s) * 0.999 + 0.001 * g * g;
                 const at::Tensor m_hat = m / (1 - std::pow(0.9, step));
                 const at::Tensor s_hat = s / (1 - std::pow(0.999, step));
                 p = p - 0.1 * 0.3 * p;
                 p = p - 0.1 * m_hat / (s_hat.sqrt() + 1e-8);
               });
}

TEST(Optimizer, AdamWSavesItsMomentsAndItsSteps) {
  auto p = at::full({3}, 2.0F).requires_grad_(true);
  Optimizer adamw({{"p", p}}, {.kind = OptimizerKind::AdamW});
  p.sum().backward();
  adamw.step(0.1);
  const auto state = adamw.state();
  ASSERT_EQ(state.size(), 3U);
  EXPECT_EQ(state[0].first, "first_moment.p");
  EXPECT_EQ(state[1].first, "second_moment.p");
  EXPECT_EQ(state[2].first, "steps");
  EXPECT_EQ(state[2].second.item<float>(), 1);
}

TEST(Optimizer, RefusesWhatMakesNoSense) {
  test::expect_error([] { check(OptimizerOptions{.momentum = 1}); }, "momentum 1");
  test::expect_error([] { check(OptimizerOptions{.momentum = 0, .nesterov = true}); }, "momentum above 0");
  test::expect_error([] { check(OptimizerOptions{.kind = OptimizerKind::AdamW, .nesterov = true}); },
                     "needs SGD");
}

TEST(Optimizer, BiasesMayHaveTheirOwnRateAndNoDecay) {
  auto weight = at::full({1}, 2.0F).requires_grad_(true);
  auto bias = at::full({1}, 2.0F).requires_grad_(true);
  Optimizer sgd({{"conv.weight", weight}, {"conv.bias", bias}},
                {.momentum = 0, .weight_decay = 0.5, .decay_biases = false, .bias_rate = 2});
  (weight + bias).sum().backward();
  sgd.step(0.25);
  EXPECT_EQ(weight.item<float>(), 1.5F) << "2 - (1 + 2 / 2) / 4";
  EXPECT_EQ(bias.item<float>(), 1.5F) << "2 - 1 * 2 / 4";
}

TEST(Optimizer, ScalesGradientsDownToANormOfAllTogether) {
  for (const double limit : {10.0, 2.5}) {
    auto a = at::full({1}, 0.0F).requires_grad_(true);
    auto b = at::full({1}, 0.0F).requires_grad_(true);
    Optimizer sgd({{"a", a}, {"b", b}}, {.momentum = 0, .weight_decay = 0, .clip_norm = limit});
    (3 * a + 4 * b).sum().backward();  // a gradient of norm 5
    sgd.step(1);
    const float scale = limit < 5 ? 0.5F : 1;
    EXPECT_FLOAT_EQ(a.item<float>(), -3 * scale);
    EXPECT_FLOAT_EQ(b.item<float>(), -4 * scale);
  }
}

TEST(Optimizer, WithoutMomentumKeepsNoVelocity) {
  auto p = at::full({3}, 2.0F).requires_grad_(true);
  Optimizer sgd({{"p", p}}, {.momentum = 0, .weight_decay = 0.5});
  for (int step = 0; step < 2; ++step) {
    p.sum().backward();
    sgd.step(0.25);
  }
  // 2 - (1 + 2 / 2) / 4 = 1.5; 1.5 - (1 + 1.5 / 2) / 4 = 1.0625
  EXPECT_TRUE(at::equal(p, at::full({3}, 1.0625F)));
  EXPECT_TRUE(at::equal(sgd.state().front().second, at::zeros({3})));
}

}  // namespace
}  // namespace scatlight::train
