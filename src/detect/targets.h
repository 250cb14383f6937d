#pragma once

#include <span>
#include <vector>

#include "detect/options.h"
#include "detect/sampling.h"

namespace scatlight::detect {

/// What the region proposal network should predict for one image. The lists of anchors are ascending indices.
struct RpnTargets {
  std::vector<std::int64_t> sampled;   ///< The anchors in the loss.
  std::vector<float> objectness;       ///< Of the sampled ones: 1 or 0.
  std::vector<std::int64_t> positive;  ///< The sampled anchors that lie on an object ...
  std::vector<Deltas> deltas;          ///< ... and what leads from each to its object.
};

/// What the head should predict for one image.
struct RoiTargets {
  std::vector<Rect> rois;            ///< The sampled proposals.
  std::vector<std::int64_t> labels;  ///< Of each: 0 the background, else the class + 1.
  std::vector<Deltas> deltas;        ///< Of each, divided by the deviations; 0 for the background.
};

/// Targets of a picture of width x height pixels whose anchors are given. Crowds are not trained on.
RpnTargets rpn_targets(std::span<const Rect> anchors, std::span<const data::Object> objects, float width,
                       float height, const DetectorOptions& options, data::CounterRandom& random);

/// Targets of one image. The objects themselves are added to the proposals. Without objects all is
/// background.
RoiTargets roi_targets(std::span<const Rect> proposals, std::span<const data::Object> objects,
                       const DetectorOptions& options, data::CounterRandom& random);

}  // namespace scatlight::detect
