#include "detect/nms.h"

#include <algorithm>
#include <array>

namespace scatlight::detect {
namespace {

/// Boxes side by side, so that the compiler compares one box with all of them in vectors.
struct Block {
  static constexpr std::size_t size = 32;
  std::array<float, size> left = {};
  std::array<float, size> top = {};
  std::array<float, size> right = {};
  std::array<float, size> bottom = {};
  std::array<float, size> area = {};  // an empty box has nothing in common with any

  /// Whether one of them has a larger IoU with the box.
  bool covers(const Rect& box, float box_area, float limit) const {
    int covering = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const float width = std::max(std::min(right[i], box.right) - std::max(left[i], box.left), 0.0F);
      const float height = std::max(std::min(bottom[i], box.bottom) - std::max(top[i], box.top), 0.0F);
      const float common = width * height;
      covering |= static_cast<int>(common / (area[i] + box_area - common) > limit);
    }
    return covering != 0;
  }
};

}  // namespace

std::vector<std::size_t> nms(std::span<const Rect> boxes, float limit, std::size_t most) {
  std::vector<std::size_t> kept;
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < boxes.size() && kept.size() < most; ++i) {
    const auto& box = boxes[i];
    const float area = box.area();
    const auto covers = [&](const Block& block) { return block.covers(box, area, limit); };
    if (std::ranges::any_of(blocks, covers)) continue;
    const std::size_t place = kept.size() % Block::size;
    if (place == 0) blocks.emplace_back();
    auto& block = blocks.back();
    block.left[place] = box.left;
    block.top[place] = box.top;
    block.right[place] = box.right;
    block.bottom[place] = box.bottom;
    block.area[place] = area;
    kept.push_back(i);
  }
  return kept;
}

}  // namespace scatlight::detect
