#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nets/architecture.h"
#include "nets/network.h"
#include "torch/roi_align_op.h"

namespace scatlight::detect {

/// Everything that a detector's structure follows from.
struct DetectorNetworkOptions {
  nets::NetworkOptions network = {};  ///< `classes` without the background; height and width say nothing.
  int anchors = 9;                    ///< Per cell of the features.
  int rpn_channels = 512;
  int pool = 7;          ///< Sides of what the head sees of a region, in bins.
  int pool_samples = 2;  ///< In each bin, along each side.
};

/// Throws Error for options out of range and networks that cannot be cut.
void check(const DetectorNetworkOptions& options);

/// What is not trained.
struct Frozen {
  int groups = 1;     ///< Of the base: see nets::first_trained().
  bool norms = true;  ///< All batch norms are constants, those of trained groups too.
};

/// What the region proposal network says of N images, A anchors per cell.
struct RpnOutput {
  at::Tensor objectness;  ///< (N, h * w * A) logits, in the order of make_anchors()
  at::Tensor deltas;      ///< (N, h * w * A, 4)
};

/// What the head says of R regions; class 0 is the background.
struct HeadOutput {
  at::Tensor logits;  ///< (R, classes + 1)
  at::Tensor deltas;  ///< (R, classes + 1, 4)
};

/// Faster R-CNN on the features before a network's last group of layers, which is the head (paper section
/// 3.2). Parameters have torchvision's names: those of the classifier for the network, rpn.head.* and
/// roi_heads.box_predictor.* beside.
class Detector {
 public:
  /// Random first weights from torch's global generator. Throws Error for options out of range and networks
  /// that cannot be cut.
  explicit Detector(const DetectorNetworkOptions& options);

  const DetectorNetworkOptions& options() const { return options_; }
  const nets::DetectionParts& parts() const { return parts_; }

  /// The classifier's layers, except those that give the classes.
  nets::Network& network() { return network_; }
  const nets::Network& network() const { return network_; }

  /// As Network::to(), but the region proposal network stays in float32.
  void to(const torch_ops::Placement& placement);
  const at::Device& device() const { return network_.device(); }

  /// For the rest of this object's life.
  void freeze(const Frozen& frozen);

  void train(bool on) { network_.train(on); }

  /// (N, 3, H, W) images of any size to the maps that features() reads; on the CPU or the detector's device.
  at::Tensor maps(const at::Tensor& images) const { return network_.maps(images); }

  /// Maps to features: float32 (N, C, H / stride, W / stride), rounded up, channels last.
  at::Tensor features(const at::Tensor& maps);

  RpnOutput propose(const at::Tensor& features);

  /// `rois`: (R, 5), number of the image, left, top, right, bottom in pixels.
  HeadOutput classify(const at::Tensor& features, const at::Tensor& rois);

  /// The tensors share the detector's memory. Of frozen parameters, requires_grad() is false.
  using Tensors = std::vector<std::pair<std::string, at::Tensor>>;
  Tensors parameters() const;
  Tensors buffers() const { return network_.buffers(); }

 private:
  struct Layer {
    std::string name;
    at::Tensor weight;
    at::Tensor bias;
  };

  static Layer make_layer(const std::string& name, std::vector<std::int64_t> shape, double deviation);

  DetectorNetworkOptions options_;
  nets::DetectionParts parts_;
  nets::Network network_;
  Layer rpn_;
  Layer objectness_;
  Layer rpn_deltas_;
  Layer logits_;
  Layer deltas_;
};

}  // namespace scatlight::detect
