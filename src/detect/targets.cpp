#include "detect/targets.h"

#include <algorithm>

namespace scatlight::detect {
namespace {

std::vector<data::Object> without_crowds(std::span<const data::Object> objects) {
  std::vector<data::Object> kept;
  std::ranges::copy_if(objects, std::back_inserter(kept), [](const auto& object) { return !object.crowd; });
  return kept;
}

std::vector<Rect> boxes_of(std::span<const data::Object> objects) {
  std::vector<Rect> boxes;
  for (const auto& object : objects) boxes.push_back(object.box);
  return boxes;
}

bool lies_within(const Rect& box, float width, float height) {
  return box.left >= 0 && box.top >= 0 && box.right <= width && box.bottom <= height;
}

}  // namespace

RpnTargets rpn_targets(std::span<const Rect> anchors, std::span<const data::Object> objects, float width,
                       float height, const DetectorOptions& options, data::CounterRandom& random) {
  std::vector<std::int64_t> used;
  std::vector<Rect> boxes;
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    if (options.inside_anchors && !lies_within(anchors[i], width, height)) continue;
    used.push_back(static_cast<std::int64_t>(i));
    boxes.push_back(anchors[i]);
  }
  const auto targets = boxes_of(without_crowds(objects));
  const auto matches = match_with_best(boxes, targets, options.rpn_positive, options.rpn_negative);

  RpnTargets result;
  for (const auto i : sample(matches, options.rpn_samples, options.rpn_share, random)) {
    const bool positive = matches[i].kind == MatchKind::Positive;
    result.sampled.push_back(used[i]);
    result.objectness.push_back(positive ? 1.0F : 0.0F);
    if (!positive) continue;
    result.positive.push_back(used[i]);
    result.deltas.push_back(encode(boxes[i], targets[static_cast<std::size_t>(matches[i].object)]));
  }
  return result;
}

RoiTargets roi_targets(std::span<const Rect> proposals, std::span<const data::Object> objects,
                       const DetectorOptions& options, data::CounterRandom& random) {
  const auto trained = without_crowds(objects);
  const auto targets = boxes_of(trained);
  std::vector<Rect> rois(proposals.begin(), proposals.end());
  rois.insert(rois.end(), targets.begin(), targets.end());
  auto matches = match(rois, targets, options.roi_positive, options.roi_positive);
  for (auto& of_roi : matches) {
    if (!targets.empty() && of_roi.iou < options.roi_negative) of_roi.kind = MatchKind::Ignored;
  }

  RoiTargets result;
  for (const auto i : sample(matches, options.roi_samples, options.roi_share, random)) {
    const bool positive = matches[i].kind == MatchKind::Positive;
    const auto& object = positive ? trained[static_cast<std::size_t>(matches[i].object)] : data::Object{};
    result.rois.push_back(rois[i]);
    result.labels.push_back(positive ? object.label + 1 : 0);
    result.deltas.push_back(positive ? encode(rois[i], object.box, options.deviations) : Deltas{});
  }
  return result;
}

}  // namespace scatlight::detect
