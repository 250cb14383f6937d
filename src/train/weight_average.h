#pragma once

#include <vector>

#include "train/checkpoint.h"

namespace scatlight::train {

/// The moving average of a network's tensors over the steps of its training:
///   average <- decay average + (1 - decay) tensor,
/// from the tensors after the first step on, as torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn
/// and use_buffers has it. Whole numbers, such as counts of batches, are copied.
class WeightAverage {
 public:
  /// Of tensors that share the network's memory.
  WeightAverage(NamedTensors tensors, double decay);

  /// After each step; `step` counts from 1.
  void update(std::int64_t step);

  /// The averages by the names of the tensors; they share this object's memory.
  NamedTensors averages() const;

  /// While it lives, the network has the averages, and averages() its own tensors.
  class Use {
   public:
    explicit Use(WeightAverage& average) : average_(average) { average_.exchange(); }
    ~Use() { average_.exchange(); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    WeightAverage& average_;
  };

 private:
  void exchange();

  NamedTensors tensors_;
  std::vector<at::Tensor> averages_;
  double decay_;
};

}  // namespace scatlight::train
