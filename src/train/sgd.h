#pragma once

#include "train/checkpoint.h"

namespace scatlight::train {

struct SgdOptions {
  double momentum = 0.9;
  double weight_decay = 1e-4;  ///< On all parameters, as in the paper's recipe.
};

/// Stochastic gradient descent with momentum, the arithmetic of torch.optim.SGD:
///   v <- momentum v + (gradient + weight_decay p),   p <- p - rate v
class Sgd {
 public:
  /// The parameters are float32, on one device, and share the network's memory.
  Sgd(NamedTensors parameters, const SgdOptions& options);

  /// One step with the gradients that backward() left in the parameters, which are forgotten afterwards.
  void step(double learning_rate);

  /// The velocities v by the parameters' names; they share this object's memory. Zero without momentum.
  NamedTensors velocities() const;

 private:
  SgdOptions options_;
  NamedTensors parameters_;
  std::vector<at::Tensor> velocities_;
};

}  // namespace scatlight::train
