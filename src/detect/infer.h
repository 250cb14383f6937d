#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "data/box_loader.h"
#include "detect/detector.h"
#include "detect/options.h"
#include "detect/postprocess.h"

namespace scatlight::detect {

/// Seconds of the stages of detection, added up.
struct StageSeconds {
  double waiting = 0;  ///< For decoded and resized pictures.
  double maps = 0;     ///< The transform.
  double base = 0;
  double proposals = 0;  ///< The network of the regions, and NMS.
  double head = 0;       ///< With NMS of the detections.
};

/// A batch's images as a tensor in the batch's own memory.
at::Tensor images_of(data::BoxBatch& batch);

/// The objects in each image of a batch, in pixels of its own picture, the best score first. The detector is
/// in evaluation mode.
std::vector<std::vector<Detection>> detect(Detector& detector, const DetectorOptions& options,
                                           data::BoxBatch& batch, StageSeconds& seconds);

}  // namespace scatlight::detect
