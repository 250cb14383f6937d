// The losses by hand, and their gradients.

#include "detect/losses.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <functional>

namespace scatlight::detect {
namespace {

at::Tensor numbers(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

TEST(RpnLosses, ByHand) {
  const RpnTargets targets{
      .sampled = {0, 2, 3}, .objectness = {1, 0, 0}, .positive = {0}, .deltas = {{0, 0, 0, 1}}};
  const auto objectness = numbers({std::log(3.0), 9, 0, 0});
  const auto deltas = at::zeros({4, 4}, at::kDouble);
  deltas[0][0] = 0.1;
  const auto losses = rpn_losses(objectness, deltas, targets, 0.2F);
  EXPECT_NEAR(losses.objectness.item<double>(), (std::log(4.0 / 3) + 2 * std::log(2.0)) / 3, 1e-12);
  EXPECT_NEAR(losses.box.item<double>(), (0.5 * 0.1 * 0.1 / 0.2 + (1 - 0.1)) / 3, 1e-7)
      << "by all that are sampled";
}

TEST(RoiLosses, ByHand) {
  const RoiTargets targets{
      .rois = std::vector<Rect>(2), .labels = {0, 2}, .deltas = {Deltas{}, {0, 0, 3, 0}}};
  const auto logits = at::zeros({2, 3}, at::kDouble);
  logits[1][2] = std::log(2.0);
  const auto deltas =
      at::full({2, 12}, 7.0, at::kDouble);  // of other classes and of the background: not looked at
  deltas[1].slice(0, 8, 12).zero_();
  const auto losses = roi_losses(logits, deltas, targets, 1);
  EXPECT_NEAR(losses.label.item<double>(), (std::log(3.0) + std::log(2.0)) / 2, 1e-12);
  EXPECT_NEAR(losses.box.item<double>(), (3 - 0.5) / 2, 1e-12);
}

TEST(Losses, OfNothingAreZeroWithAGradient) {
  const auto objectness = at::ones({5}).requires_grad_(true);
  const auto deltas = at::ones({5, 4}).requires_grad_(true);
  const auto of_rpn = rpn_losses(objectness, deltas, {}, 1);
  const auto logits = at::empty({0, 3}).requires_grad_(true);
  const auto of_rois = roi_losses(logits, at::empty({0, 12}), {}, 1);
  EXPECT_EQ((of_rpn.objectness + of_rpn.box + of_rois.label + of_rois.box).item<float>(), 0);
  const auto gradients = torch::autograd::grad({of_rpn.objectness + of_rpn.box}, {objectness, deltas});
  EXPECT_EQ(gradients[0].abs().sum().item<float>() + gradients[1].abs().sum().item<float>(), 0);
}

/// Expects that the gradient of a loss is the slope of its values, in a random direction.
void expect_gradient(const std::function<at::Tensor(const at::Tensor&)>& loss, const at::Tensor& at) {
  const auto leaf = at.detach().clone().requires_grad_(true);
  const auto gradient = torch::autograd::grad({loss(leaf)}, {leaf}).at(0);
  const auto direction = at::randn_like(at);
  const auto value = [&](double step) { return loss(at + step * direction).item<double>(); };
  const double slope = (value(1e-6) - value(-1e-6)) / 2e-6;
  EXPECT_NE(slope, 0);
  EXPECT_NEAR((gradient * direction).sum().item<double>(), slope, 1e-6 * std::abs(slope) + 1e-8);
}

TEST(Losses, GradientsEqualFiniteDifferences) {
  at::manual_seed(0);
  const RpnTargets rpn{.sampled = {1, 4, 5, 7},
                       .objectness = {1, 0, 1, 0},
                       .positive = {1, 5},
                       .deltas = {{0.1F, -0.2F, 0.3F, 0}, {0, 0.5F, -0.7F, 1}}};
  const auto objectness = at::randn({9}, at::kDouble);
  const auto deltas = at::randn({9, 4}, at::kDouble);
  expect_gradient([&](const at::Tensor& x) { return rpn_losses(x, deltas, rpn, 0.3F).objectness; },
                  objectness);
  expect_gradient([&](const at::Tensor& x) { return rpn_losses(objectness, x, rpn, 0.3F).box; }, deltas);

  const RoiTargets roi{.rois = std::vector<Rect>(3),
                       .labels = {2, 0, 1},
                       .deltas = {{0.1F, -0.2F, 0.3F, 0}, {}, {0, 0.5F, -0.7F, 1}}};
  const auto logits = at::randn({3, 4}, at::kDouble);
  const auto boxes = at::randn({3, 16}, at::kDouble);
  expect_gradient([&](const at::Tensor& x) { return roi_losses(x, boxes, roi, 1).label; }, logits);
  expect_gradient([&](const at::Tensor& x) { return roi_losses(logits, x, roi, 1).box; }, boxes);
}

}  // namespace
}  // namespace scatlight::detect
