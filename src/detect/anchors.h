#pragma once

#include <vector>

#include "detect/box_math.h"
#include "detect/options.h"

namespace scatlight::detect {

inline int anchors_per_cell(const DetectorOptions& options) {
  return static_cast<int>(options.anchor_sizes.size() * options.anchor_ratios.size());
}

/// The anchors of features of height x width cells whose sides are `stride` pixels of the picture; the order
/// is y, x, ratio, size. They are those of Faster R-CNN: for each ratio a box of about stride^2 pixels with
/// whole sides, which each size enlarges, around the middle of the cell.
std::vector<Rect> make_anchors(const DetectorOptions& options, int stride, int height, int width);

}  // namespace scatlight::detect
