#pragma once

#include <span>
#include <vector>

#include "detect/box_math.h"
#include "detect/options.h"

namespace scatlight::detect {

/// A found object.
struct Detection {
  Rect box = {};
  int label = 0;  ///< Index into the classes.
  float score = 0;
};

/// A picture as the network sees it, and how it came from the original.
struct PictureScale {
  float width = 0;  ///< Pixels that the network sees, without the padding.
  float height = 0;
  float x_factor = 1;  ///< Original pixels to one of them, along the rows ...
  float y_factor = 1;  ///< ... and across them.
};

/// The objects of one picture, in pixels of the original, the best score first; equal ones by class, then by
/// proposal.
///   rois: (R) proposals in pixels that the network sees
///   logits: (R, classes + 1), the background first
///   deltas: (R, classes + 1, 4), divided by the deviations
/// Throws Error when a logit is not finite.
std::vector<Detection> postprocess(std::span<const Rect> rois, std::span<const float> logits,
                                   std::span<const float> deltas, const PictureScale& picture,
                                   const DetectorOptions& options);

}  // namespace scatlight::detect
