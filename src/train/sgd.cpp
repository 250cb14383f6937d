#include "train/sgd.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>
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
  for (const auto& [name, parameter] : parameters_) velocities_.push_back(at::zeros_like(parameter));
}

void Sgd::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> values;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> velocities;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    auto& parameter = parameters_[i].second;
    gradients.push_back(laid_out_as(parameter, parameter.grad()));
    values.push_back(parameter);
    // The kernel of a GPU refuses velocities that have no effect.
    if (options_.momentum > 0) velocities.push_back(velocities_[i]);
  }
  at::_fused_sgd_(values, gradients, velocities, options_.weight_decay, options_.momentum, learning_rate,
                  /*dampening=*/0, /*nesterov=*/false, /*maximize=*/false, /*is_first_step=*/false);
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
}

NamedTensors Sgd::velocities() const {
  NamedTensors named;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    named.emplace_back(parameters_[i].first, velocities_[i]);
  return named;
}

}  // namespace scatlight::train
