#pragma once

#include <span>
#include <vector>

#include "detect/box_math.h"
#include "detect/options.h"

namespace scatlight::detect {

struct ProposalOptions {
  int before = 0;  ///< Anchors that are looked at.
  int most = 0;    ///< Proposals.
  float iou = 0;   ///< What two of them have in common at most.
};

ProposalOptions proposals_in_training(const DetectorOptions& options);
ProposalOptions proposals_in_tests(const DetectorOptions& options);

/// Where the region proposal network sees objects in a picture of width x height pixels, best first.
///   objectness: (anchors) logits; of equal ones the smaller index is better
///   deltas: (anchors, 4)
/// Throws Error when a logit is not finite.
std::vector<Rect> propose(std::span<const float> objectness, std::span<const float> deltas,
                          std::span<const Rect> anchors, float width, float height,
                          const ProposalOptions& options);

}  // namespace scatlight::detect
