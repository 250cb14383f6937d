#include "train/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <cmath>

#include "nets/wavelets.h"
#include "scatlight/error.h"

namespace scatlight::train {
namespace {

// The fused kernel walks its tensors in memory order and wants the same strides in all, those along sides of
// length 1 included.
at::Tensor laid_out_as(const at::Tensor& parameter, const at::Tensor& gradient) {
  return gradient.strides() == parameter.strides() ? gradient : at::empty_like(parameter).copy_(gradient);
}

}  // namespace

void check(const OptimizerOptions& options) {
  if (!(options.momentum >= 0 && options.momentum < 1))
    throw Error(fmt::format("momentum {}: 0 to below 1 is accepted", options.momentum));
  if (!(options.weight_decay >= 0 && options.weight_decay <= 1))
    throw Error(fmt::format("weight decay {}: 0 to 1 is accepted", options.weight_decay));
  if (!(options.filter_rate >= 0 && std::isfinite(options.filter_rate)))
    throw Error(fmt::format("filter rate {}: at least 0 is accepted", options.filter_rate));
  if (options.nesterov && (options.kind != OptimizerKind::Sgd || options.momentum == 0))
    throw Error("Nesterov's momentum needs SGD with a momentum above 0");
}

Optimizer::Optimizer(NamedTensors parameters, const OptimizerOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  const at::NoGradGuard no_grad;
  Group weights = {.members = {}, .decay = options.weight_decay};
  Group biases = {
      .members = {}, .rate = options.bias_rate, .decay = options.decay_biases ? options.weight_decay : 0};
  Group filters = {.members = {}, .rate = options.filter_rate, .decay = 0};
  const bool is_one = options.bias_rate == 1 && options.decay_biases;
  for (const auto& [name, parameter] : parameters_) {
    auto& group = name == nets::wavelets_name          ? filters
                  : is_one || !name.ends_with(".bias") ? weights
                                                       : biases;
    group.members.push_back(first_.size());
    first_.push_back(at::zeros_like(parameter));
    if (options_.kind == OptimizerKind::AdamW) second_.push_back(at::zeros_like(parameter));
  }
  for (auto& group : {weights, biases, filters}) {
    if (!group.members.empty()) groups_.push_back(group);
  }
  if (options_.kind == OptimizerKind::AdamW)
    steps_ = at::zeros(
        {}, first_.empty() ? at::TensorOptions(at::kFloat) : first_.front().options().dtype(at::kFloat));
}

void Optimizer::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  if (options_.clip_norm > 0) clip();
  if (steps_.defined()) steps_.add_(1);
  for (const auto& group : groups_) step(group, learning_rate);
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
}

void Optimizer::step(const Group& group, double learning_rate) {
  const bool is_adamw = options_.kind == OptimizerKind::AdamW;
  std::vector<at::Tensor> values;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> first;
  std::vector<at::Tensor> second;
  for (const auto i : group.members) {
    auto& parameter = parameters_[i].second;
    gradients.push_back(laid_out_as(parameter, parameter.grad()));
    values.push_back(parameter);
    // The kernel of a GPU refuses velocities that have no effect.
    if (is_adamw || options_.momentum > 0) first.push_back(first_[i]);
    if (is_adamw) second.push_back(second_[i]);
  }
  const double rate = group.rate * learning_rate;
  if (is_adamw) {
    const std::vector<at::Tensor> steps(values.size(), steps_);
    at::_fused_adamw_(values, gradients, first, second, /*max_exp_avg_sqs=*/{}, steps, rate,
                      options_.momentum, options_.beta2, group.decay, options_.epsilon, /*amsgrad=*/false,
                      /*maximize=*/false);
  } else {
    at::_fused_sgd_(values, gradients, first, group.decay, options_.momentum, rate, /*dampening=*/0,
                    options_.nesterov, /*maximize=*/false, /*is_first_step=*/false);
  }
}

void Optimizer::clip() {
  std::vector<at::Tensor> norms;
  for (const auto& [name, parameter] : parameters_) norms.push_back(parameter.grad().norm());
  const auto norm = at::stack(norms).norm().item<double>();
  if (norm <= options_.clip_norm) return;
  for (const auto& [name, parameter] : parameters_) parameter.grad().mul_(options_.clip_norm / norm);
}

NamedTensors Optimizer::state() const {
  const bool is_adamw = options_.kind == OptimizerKind::AdamW;
  NamedTensors named;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& name = parameters_[i].first;
    named.emplace_back((is_adamw ? "first_moment." : "velocity.") + name, first_[i]);
    if (is_adamw) named.emplace_back("second_moment." + name, second_[i]);
  }
  if (is_adamw) named.emplace_back("steps", steps_);
  return named;
}

}  // namespace scatlight::train
