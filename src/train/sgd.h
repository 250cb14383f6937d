#pragma once

#include "train/checkpoint.h"

namespace scatlight::train {

struct SgdOptions {
  double momentum = 0.9;
  double weight_decay = 1e-4;  ///< On all parameters, as in the paper's recipe for classifiers.
  bool decay_biases = true;    ///< Else on none whose name ends with ".bias".
  double bias_rate = 1;        ///< The rate of those, in units of the others'.
  double clip_norm = 0;        ///< Gradients are scaled down to this norm, all of them together; 0: never.
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
  /// Parameters that take the same steps, by their places.
  struct Group {
    std::vector<std::size_t> members;
    double rate = 1;
    double decay = 0;
  };

  void step(const Group& group, double learning_rate);

  /// Scales the gradients down to `clip_norm`.
  void clip();

  SgdOptions options_;
  NamedTensors parameters_;
  std::vector<at::Tensor> velocities_;
  std::vector<Group> groups_;
};

}  // namespace scatlight::train
