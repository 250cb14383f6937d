#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <set>
#include <string>

#include "nets/architecture.h"
#include "nets/network.h"

namespace scatlight::nets {

/// What a network is made of: its architecture, and its tensors by torchvision's names.
struct Network::Body {
  using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

  explicit Body(const NetworkOptions& given) : options(given), architecture(make_architecture(given)) {}

  /// Whether a convolution reads the activations.
  bool has_convolutions() const { return options.family != Family::Linear; }

  void add_parameter(const std::string& name, at::Tensor tensor);

  /// Those of the front end, in its order.
  std::vector<at::Tensor> front_end_parameters() const;
  void add_buffer(const std::string& name, at::Tensor tensor);
  at::Tensor& at(const std::string& name);
  bool has(const std::string& name) const { return indices.contains(name); }

  /// The type of the activations of convolutions.
  at::ScalarType convolution_type() const { return has_convolutions() ? placement.precision : at::kFloat; }

  /// The layout of weights and activations: (N, h, w, C) for convolutions, which would convert other input
  /// first.
  at::MemoryFormat memory_format() const {
    return has_convolutions() ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  }

  /// Puts all tensors onto the device, into memory as the convolutions read them.
  void lay_out();

  NetworkOptions options;
  Architecture architecture;
  Tensors parameters;
  Tensors buffers;
  std::map<std::string, at::Tensor, std::less<>> indices;  ///< both, by name
  torch_ops::Placement placement = {};
  bool training = true;
  bool folded = false;                       ///< Batch norms of convolutions are in their weights and biases.
  std::vector<std::string> front_end_names;  ///< Of its parameters.
  std::set<std::string, std::less<>> frozen_norms;  ///< Names of the batch norms that are constants.
};

}  // namespace scatlight::nets
