#include "train/weight_average.h"

#include <ATen/core/grad_mode.h>

#include <utility>

namespace scatlight::train {

WeightAverage::WeightAverage(NamedTensors tensors, double decay)
    : tensors_(std::move(tensors)), decay_(decay) {
  for (const auto& [name, tensor] : tensors_) averages_.push_back(tensor.detach().clone());
}

void WeightAverage::update(std::int64_t step) {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    const auto& tensor = tensors_[i].second;
    if (step == 1 || !tensor.is_floating_point()) {
      averages_[i].copy_(tensor);
    } else {
      averages_[i].lerp_(tensor.detach(), 1 - decay_);
    }
  }
}

NamedTensors WeightAverage::averages() const {
  NamedTensors named;
  for (std::size_t i = 0; i < tensors_.size(); ++i) named.emplace_back(tensors_[i].first, averages_[i]);
  return named;
}

void WeightAverage::exchange() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    const auto kept = averages_[i].clone();
    averages_[i].copy_(tensors_[i].second);
    tensors_[i].second.detach().copy_(kept);
  }
}

}  // namespace scatlight::train
