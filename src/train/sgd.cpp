#include "train/sgd.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

namespace scatlight::train {
namespace {

// The fused kernel walks its tensors in memory order and wants the same strides in all, those along sides of
// length 1 included.
at::Tensor laid_out_as(const at::Tensor& parameter, const at::Tensor& gradient) {
  return gradient.strides() == parameter.strides() ? gradient : at::empty_like(parameter).copy_(gradient);
}

}  // namespace

Sgd::Sgd(NamedTensors parameters, const SgdOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  const at::NoGradGuard no_grad;
  Group weights = {.members = {}, .decay = options.weight_decay};
  Group biases = {
      .members = {}, .rate = options.bias_rate, .decay = options.decay_biases ? options.weight_decay : 0};
  const bool is_one = options.bias_rate == 1 && options.decay_biases;
  for (const auto& [name, parameter] : parameters_) {
    auto& group = is_one || !name.ends_with(".bias") ? weights : biases;
    group.members.push_back(velocities_.size());
    velocities_.push_back(at::zeros_like(parameter));
  }
  for (auto& group : {weights, biases}) {
    if (!group.members.empty()) groups_.push_back(group);
  }
}

void Sgd::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  if (options_.clip_norm > 0) clip();
  for (const auto& group : groups_) step(group, learning_rate);
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
}

void Sgd::step(const Group& group, double learning_rate) {
  std::vector<at::Tensor> values;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> velocities;
  for (const auto i : group.members) {
    auto& parameter = parameters_[i].second;
    gradients.push_back(laid_out_as(parameter, parameter.grad()));
    values.push_back(parameter);
    // The kernel of a GPU refuses velocities that have no effect.
    if (options_.momentum > 0) velocities.push_back(velocities_[i]);
  }
  at::_fused_sgd_(values, gradients, velocities, group.decay, options_.momentum, group.rate * learning_rate,
                  /*dampening=*/0, /*nesterov=*/false, /*maximize=*/false, /*is_first_step=*/false);
}

void Sgd::clip() {
  std::vector<at::Tensor> norms;
  for (const auto& [name, parameter] : parameters_) norms.push_back(parameter.grad().norm());
  const auto norm = at::stack(norms).norm().item<double>();
  if (norm <= options_.clip_norm) return;
  for (const auto& [name, parameter] : parameters_) parameter.grad().mul_(options_.clip_norm / norm);
}

NamedTensors Sgd::velocities() const {
  NamedTensors named;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    named.emplace_back(parameters_[i].first, velocities_[i]);
  return named;
}

}  // namespace scatlight::train
