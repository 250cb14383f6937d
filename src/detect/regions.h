#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "data/box_recipe.h"
#include "detect/detector.h"
#include "detect/options.h"
#include "detect/postprocess.h"
#include "detect/proposals.h"

// Between the detector's tensors and the boxes on the host.

namespace scatlight::detect {

PictureScale scale_of(const data::Framing& framing);

/// (R, 5) regions for Detector::classify(), those of each image of a batch, with the type and on the device
/// of `like`.
at::Tensor to_tensor(const std::vector<std::vector<Rect>>& regions, const at::Tensor& like);

/// What the network of the regions says of a batch, on its device and on the host.
class RegionsOfBatch {
 public:
  RegionsOfBatch(Detector& detector, const DetectorOptions& options, const at::Tensor& features);

  const RpnOutput& output() const { return output_; }
  std::span<const Rect> anchors() const { return anchors_; }

  bool are_finite() const;

  /// The proposals in an image.
  std::vector<Rect> propose(std::int64_t image, const PictureScale& picture,
                            const ProposalOptions& options) const;

 private:
  RpnOutput output_;
  std::vector<Rect> anchors_;
  at::Tensor objectness_;  ///< On the host.
  at::Tensor deltas_;
};

}  // namespace scatlight::detect
