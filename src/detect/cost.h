#pragma once

#include <cstdint>

#include "detect/detector.h"

namespace scatlight::detect {

/// What a detector costs for one picture (paper table 2, right half); the transform is not counted.
struct DetectorCost {
  std::int64_t parameters = 0;
  double base_multiply_adds = 0;      ///< Of the features.
  double proposal_multiply_adds = 0;  ///< Of the network that proposes regions.
  double region_multiply_adds = 0;    ///< Of the head and the predictors, for one region.
  std::int64_t picture_bytes = 0;     ///< Activations that training saves, but those of the regions ...
  std::int64_t region_bytes = 0;      ///< ... and of one region.
};

/// On a canvas of height x width pixels.
DetectorCost detector_cost(const DetectorNetworkOptions& options, const Frozen& frozen, int height,
                           int width);

}  // namespace scatlight::detect
