#include "detect/anchors.h"

#include <cmath>

namespace scatlight::detect {

std::vector<Rect> make_anchors(const DetectorOptions& options, int stride, int height, int width) {
  const auto side = static_cast<float>(stride);
  std::vector<Rect> of_cell;  // around the middle of the first
  for (const float ratio : options.anchor_ratios) {
    const float base_width = std::nearbyint(std::sqrt(side * side / ratio));
    const float base_height = std::nearbyint(base_width * ratio);
    for (const float size : options.anchor_sizes) {
      const float half_width = base_width * size / side / 2;
      const float half_height = base_height * size / side / 2;
      of_cell.push_back({.left = side / 2 - half_width,
                         .top = side / 2 - half_height,
                         .right = side / 2 + half_width,
                         .bottom = side / 2 + half_height});
    }
  }
  std::vector<Rect> anchors;
  anchors.reserve(of_cell.size() * static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float right = side * static_cast<float>(x);
      const float down = side * static_cast<float>(y);
      for (const auto& anchor : of_cell) {
        anchors.push_back({.left = anchor.left + right,
                           .top = anchor.top + down,
                           .right = anchor.right + right,
                           .bottom = anchor.bottom + down});
      }
    }
  }
  return anchors;
}

}  // namespace scatlight::detect
