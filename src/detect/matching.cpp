#include "detect/matching.h"

#include <algorithm>

namespace scatlight::detect {
namespace {

MatchKind kind_of(float iou, float positive, float negative) {
  if (iou >= positive) return MatchKind::Positive;
  return iou < negative ? MatchKind::Negative : MatchKind::Ignored;
}

struct Comparison {
  std::vector<Match> matches;
  std::vector<std::size_t> best;  // boxes that reach an object's largest IoU
};

Comparison compare(std::span<const Rect> boxes, std::span<const Rect> objects, float positive,
                   float negative) {
  Comparison result;
  result.matches.resize(boxes.size());
  std::vector<std::size_t> reach;
  for (std::size_t o = 0; o < objects.size(); ++o) {
    float largest = 0;
    for (std::size_t b = 0; b < boxes.size(); ++b) {
      const float common = iou(boxes[b], objects[o]);
      auto& of_box = result.matches[b];
      if (common > of_box.iou) of_box = {.object = static_cast<int>(o), .iou = common};
      if (common == 0 || common < largest) continue;
      if (common > largest) reach.clear();
      largest = common;
      reach.push_back(b);
    }
    result.best.insert(result.best.end(), reach.begin(), reach.end());
    reach.clear();
  }
  for (auto& of_box : result.matches) of_box.kind = kind_of(of_box.iou, positive, negative);
  return result;
}

}  // namespace

std::vector<Match> match(std::span<const Rect> boxes, std::span<const Rect> objects, float positive,
                         float negative) {
  return compare(boxes, objects, positive, negative).matches;
}

std::vector<Match> match_with_best(std::span<const Rect> boxes, std::span<const Rect> objects, float positive,
                                   float negative) {
  auto [matches, best] = compare(boxes, objects, positive, negative);
  for (const auto b : best) matches[b].kind = MatchKind::Positive;
  return matches;
}

}  // namespace scatlight::detect
