#pragma once

#include <span>
#include <vector>

#include "detect/box_math.h"

namespace scatlight::detect {

enum class MatchKind { Negative, Ignored, Positive };

/// What a box (an anchor or a proposal) is compared with in training.
struct Match {
  MatchKind kind = MatchKind::Negative;
  int object = -1;  ///< The object with the largest IoU, the first of equals; -1 where no box touches.
  float iou = 0;    ///< With that object.
};

/// Matches each box: positive from an IoU of `positive` on, negative below `negative`, between them ignored.
std::vector<Match> match(std::span<const Rect> boxes, std::span<const Rect> objects, float positive,
                         float negative);

/// The same, and in addition the boxes that reach an object's largest IoU are positive, all of equals, unless
/// it is 0. They keep their own best object.
std::vector<Match> match_with_best(std::span<const Rect> boxes, std::span<const Rect> objects, float positive,
                                   float negative);

}  // namespace scatlight::detect
