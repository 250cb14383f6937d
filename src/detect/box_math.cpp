#include "detect/box_math.h"

#include <algorithm>
#include <cmath>

namespace scatlight::detect {
namespace {

const float largest_log = std::log(1000.0F / 16);

}  // namespace

float iou(const Rect& a, const Rect& b) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (!(width > 0 && height > 0)) return 0;
  const float common = width * height;
  return common / (a.area() + b.area() - common);
}

Deltas encode(const Rect& reference, const Rect& box, const Deltas& deviations) {
  const float width = reference.width();
  const float height = reference.height();
  const Deltas deltas = {(box.left + 0.5F * box.width() - (reference.left + 0.5F * width)) / width,
                         (box.top + 0.5F * box.height() - (reference.top + 0.5F * height)) / height,
                         std::log(box.width() / width), std::log(box.height() / height)};
  return {deltas[0] / deviations[0], deltas[1] / deviations[1], deltas[2] / deviations[2],
          deltas[3] / deviations[3]};
}

Rect decode(const Rect& reference, const Deltas& deltas, const Deltas& deviations) {
  const float width = reference.width();
  const float height = reference.height();
  const float x = deltas[0] * deviations[0] * width + (reference.left + 0.5F * width);
  const float y = deltas[1] * deviations[1] * height + (reference.top + 0.5F * height);
  const float half_width = 0.5F * width * std::exp(std::min(deltas[2] * deviations[2], largest_log));
  const float half_height = 0.5F * height * std::exp(std::min(deltas[3] * deviations[3], largest_log));
  return {.left = x - half_width, .top = y - half_height, .right = x + half_width, .bottom = y + half_height};
}

bool has_sides(const Rect& box, float least) { return box.width() >= least && box.height() >= least; }

}  // namespace scatlight::detect
