#pragma once

#include <array>
#include <string_view>

#include "scatlight/names.h"
#include "train/checkpoint.h"

namespace scatlight::train {

enum class OptimizerKind {
  Sgd,    ///< Stochastic gradient descent with momentum.
  AdamW,  ///< Loshchilov and Hutter, "Decoupled weight decay regularization" (ICLR 2019).
};

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::Sgd;
  double momentum = 0.9;       ///< Of AdamW beta1, the momentum of the gradient.
  bool nesterov = false;       ///< Of Sgd with momentum.
  double beta2 = 0.999;        ///< Of AdamW, the momentum of the squared gradient.
  double epsilon = 1e-8;       ///< Of AdamW.
  double weight_decay = 1e-4;  ///< On all parameters, as in the paper's recipe for classifiers.
  bool decay_biases = true;    ///< Else on none whose name ends with ".bias".
  double bias_rate = 1;        ///< The rate of those, in units of the others'.
  double filter_rate = 0.1;    ///< The rate of learned wavelets, likewise; they have no weight decay.
  double clip_norm = 0;        ///< Gradients are scaled down to this norm, all of them together; 0: never.
};

/// Throws Error for numbers that are out of range.
void check(const OptimizerOptions& options);

/// Moves parameters along their gradients, with the arithmetic of torch.optim:
///   Sgd:    v <- momentum v + (gradient + weight_decay p),   p <- p - rate v
///           with Nesterov's momentum   p <- p - rate (gradient + weight_decay p + momentum v)
///   AdamW:  p <- p - rate weight_decay p,   m <- beta1 m + (1 - beta1) gradient,
///           s <- beta2 s + (1 - beta2) gradient^2,
///           p <- p - rate m / (1 - beta1^t) / (sqrt(s / (1 - beta2^t)) + epsilon)   in step t
class Optimizer {
 public:
  /// The parameters are float32, learned wavelets (torch/wavelets.h) float64. They are on one device, and
  /// share the network's memory.
  Optimizer(NamedTensors parameters, const OptimizerOptions& options);

  /// One step with the gradients that backward() left in the parameters, which are forgotten afterwards.
  void step(double learning_rate);

  /// What a checkpoint must hold, by names of its own; the tensors share this object's memory. Of Sgd
  /// "velocity.NAME" for each parameter, zero without momentum; of AdamW "first_moment.NAME",
  /// "second_moment.NAME" and "steps".
  NamedTensors state() const;

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

  OptimizerOptions options_;
  NamedTensors parameters_;
  std::vector<at::Tensor> first_;   ///< Velocities, or means of gradients.
  std::vector<at::Tensor> second_;  ///< Of AdamW: means of squared gradients.
  at::Tensor steps_;                ///< Of AdamW: float32, one number.
  std::vector<Group> groups_;
};

}  // namespace scatlight::train

namespace scatlight {

template <>
struct Names<train::OptimizerKind> {
  static constexpr std::string_view what = "optimizer";
  static constexpr std::array<std::string_view, 2> all = {"sgd", "adamw"};
};

}  // namespace scatlight
