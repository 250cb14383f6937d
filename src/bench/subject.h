#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

#include "nets/architecture.h"
#include "nets/cost.h"
#include "nets/network.h"
#include "torch/device.h"
#include "train/optimizer.h"

namespace scatlight::bench {

/// A network as it is measured: a classifier of 1000 classes, or the base of a detector (paper section 3.2).
struct Subject {
  nets::NetworkOptions options = {};  ///< At the size of the images in question.
  std::optional<nets::DetectionParts> parts =
      std::nullopt;  ///< Of a base: what comes before its end is measured.
};

/// A network of the catalogue on images of size x size pixels. Throws Error for an unknown name, a size that
/// the network does not accept, and with `features` for a network that no detector is made of.
Subject make_subject(const std::string& name, int size, bool features);

/// What it costs for one image; of a base as its detector trains it, with the first group and the batch norms
/// constant.
nets::Cost cost_of(const Subject& subject);

/// Bytes that a training step holds for each image at the end of the forward pass: the maps, and what is kept
/// for the backward pass.
std::int64_t counted_bytes(const Subject& subject, at::ScalarType precision);

/// The smallest batch that it can be trained with: batch norm wants more than one image where it trains.
std::int64_t smallest_batch(const Subject& subject);

/// With random weights from torch's generator, as the trainers lay it out there.
nets::Network make_network(const Subject& subject, const torch_ops::Placement& placement);

/// The network in training, with its loss and its optimizer: of a classifier the cross entropy of its scores,
/// of a base, which alone has no loss, the mean of the features.
class TrainingStep {
 public:
  TrainingStep(const Subject& subject, const torch_ops::Placement& placement);

  nets::Network& network() { return network_; }

  /// Maps (N, C, h, w) and labels (N) on the device to the loss, which holds all that its gradient needs.
  at::Tensor loss(const at::Tensor& maps, const at::Tensor& labels);

  /// The rest of the step: gradients, and the parameters moved along them.
  void finish(const at::Tensor& loss);

 private:
  bool is_base_;
  nets::Network network_;
  train::Optimizer optimizer_;
};

/// (N, 3, size, size) random numbers, and (N) labels, on a device.
at::Tensor random_images(const Subject& subject, std::int64_t count, const at::Device& device);
at::Tensor random_labels(const Subject& subject, std::int64_t count, const at::Device& device);

}  // namespace scatlight::bench
