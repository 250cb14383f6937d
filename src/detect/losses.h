#pragma once

#include <ATen/core/Tensor.h>

#include "detect/targets.h"

namespace scatlight::detect {

// Losses of one image; those of a batch are the means over its images, however it is cut into parts. All are
// tensors of one number; where nothing was sampled they are 0.

struct RpnLosses {
  at::Tensor objectness;  ///< Binary cross entropy, the mean over the sampled anchors.
  at::Tensor box;         ///< Smooth L1 of the positives' deltas, summed, by the number of sampled anchors.
};

/// objectness: (anchors) logits; deltas: (anchors, 4).
RpnLosses rpn_losses(const at::Tensor& objectness, const at::Tensor& deltas, const RpnTargets& targets,
                     float beta);

struct RoiLosses {
  at::Tensor label;  ///< Cross entropy, the mean over the RoIs.
  at::Tensor box;    ///< Smooth L1 of the deltas of the RoIs' own classes, summed, by the number of RoIs.
};

/// logits: (R, classes + 1); deltas: (R, 4 (classes + 1)).
RoiLosses roi_losses(const at::Tensor& logits, const at::Tensor& deltas, const RoiTargets& targets,
                     float beta);

}  // namespace scatlight::detect
