#include "analysis/lbfgs.h"

#include <algorithm>
#include <array>
#include <utility>

#include "analysis/vectors.h"

namespace scatlight::analysis {

Lbfgs::Lbfgs(std::size_t size, Objective objective, Preconditioner preconditioner)
    : objective_(std::move(objective)), preconditioner_(std::move(preconditioner)), pairs_(memory) {
  for (auto* vector :
       {&point_, &gradient_, &smoothed_, &direction_, &next_point_, &next_gradient_, &next_smoothed_}) {
    vector->resize(size);
  }
  for (auto& pair : pairs_) {
    for (auto* vector : {&pair.step, &pair.change, &pair.smoothed}) vector->resize(size);
  }
}

void Lbfgs::run(int evaluations) {
  used_ = 0;
  scale_ = 1;
  if (evaluations <= 0) return;
  double value = objective_(point_, gradient_);
  --evaluations;
  smoothed_ = gradient_;
  preconditioner_(smoothed_);
  while (evaluations > 0 && value > 0) {
    find_direction();
    const double slope = dot(gradient_, direction_);
    if (!(slope < 0)) {  // rounding, or a gradient of zero
      if (used_ == 0) return;
      used_ = 0;
      continue;
    }
    // Without experience: the step at which a parabola with its minimum at 0 would have it halfway.
    double step = used_ > 0 ? 1 : value / -slope;
    for (;;) {
      assign_sum(point_, step, direction_, next_point_);
      const double next = objective_(next_point_, next_gradient_);
      --evaluations;
      constexpr double enough = 1e-4;
      if (next <= value + enough * step * slope) {
        value = next;
        break;
      }
      if (evaluations <= 0) return;
      // The minimum of the parabola through what is known.
      step = std::clamp(-slope * step * step / (2 * (next - value - slope * step)), 0.1 * step, 0.5 * step);
      constexpr double least_step = 1e-6;
      if (step < least_step) return;
    }
    next_smoothed_ = next_gradient_;
    preconditioner_(next_smoothed_);
    remember();
    std::swap(point_, next_point_);
    std::swap(gradient_, next_gradient_);
    std::swap(smoothed_, next_smoothed_);
  }
}

void Lbfgs::remember() {
  Pair& pair = pairs_[(newest_ + 1) % memory];
  assign_sum(next_point_, -1, point_, pair.step);
  assign_sum(next_gradient_, -1, gradient_, pair.change);
  assign_sum(next_smoothed_, -1, smoothed_, pair.smoothed);
  pair.step_by_change = dot(pair.step, pair.change);
  if (!(pair.step_by_change > 0)) {  // of no use, and the oldest one is lost
    used_ = std::min(used_, memory - 1);
    return;
  }
  scale_ = pair.step_by_change / dot(pair.change, pair.smoothed);
  newest_ = (newest_ + 1) % memory;
  used_ = std::min(used_ + 1, memory);
}

// The two loops of the method, minus.
void Lbfgs::find_direction() {
  // next_point_ is free here: it holds what is left of the gradient after the first loop.
  auto& rest = next_point_;
  rest = gradient_;
  direction_ = smoothed_;
  std::array<double, memory> shares = {};
  for (int age = 0; age < used_; ++age) {
    const Pair& pair = pairs_[(newest_ + memory - age) % memory];
    shares[age] = dot(pair.step, rest) / pair.step_by_change;
    add_scaled(-shares[age], pair.change, rest);
    add_scaled(-shares[age], pair.smoothed, direction_);
  }
  scale(-scale_, direction_);
  for (int age = used_ - 1; age >= 0; --age) {
    const Pair& pair = pairs_[(newest_ + memory - age) % memory];
    const double share = -dot(pair.change, direction_) / pair.step_by_change;
    add_scaled(share - shares[age], pair.step, direction_);
  }
}

}  // namespace scatlight::analysis
