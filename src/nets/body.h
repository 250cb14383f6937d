#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "nets/architecture.h"
#include "nets/network.h"

namespace scatlight::nets {

/// A batch norm that is a constant: scale * x + shift, of each channel.
struct FrozenNorm {
  at::Tensor scale;
  at::Tensor shift;
};

/// What a network is made of: its architecture, and its tensors by torchvision's names.
struct Network::Body {
  using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

  explicit Body(const NetworkOptions& given) : options(given), architecture(make_architecture(given)) {}

  /// Whether a convolution reads the activations.
  bool has_convolutions() const { return options.family != Family::Linear; }

  void add_parameter(const std::string& name, at::Tensor tensor);
  void add_buffer(const std::string& name, at::Tensor tensor);
  at::Tensor& at(const std::string& name);
  bool has(const std::string& name) const { return indices.contains(name); }

  /// Puts all tensors into memory as the device and the memory format are now.
  void lay_out();

  /// Makes frozen_norms of what the norms are now.
  void compute_frozen_norms();

  NetworkOptions options;
  Architecture architecture;
  Tensors parameters;
  Tensors buffers;
  std::map<std::string, at::Tensor, std::less<>> indices;  ///< both, by name
  at::Device device = at::kCPU;
  bool training = true;
  bool folded = false;         ///< Batch norms of convolutions are in their weights and biases.
  bool channels_last = false;  ///< Memory format of weights and activations.
  bool norms_are_frozen = false;
  std::map<std::string, FrozenNorm, std::less<>> frozen_norms;  ///< By name; those after convolutions.
};

}  // namespace scatlight::nets
