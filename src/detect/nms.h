#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "detect/box_math.h"

namespace scatlight::detect {

/// Non-maximum suppression: goes through the boxes, which come by falling score, and keeps those that have an
/// IoU of at most `limit` with each that is kept. Ends when `most` are kept: later boxes cannot change that.
/// Returns their indices.
std::vector<std::size_t> nms(std::span<const Rect> boxes, float limit, std::size_t most);

}  // namespace scatlight::detect
