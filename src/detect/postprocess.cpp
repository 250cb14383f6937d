#include "detect/postprocess.h"

#include <algorithm>

#include "detect/nms.h"
#include "detect/stable_sort.h"
#include "train/scores.h"

namespace scatlight::detect {
namespace {

constexpr float least_detection_side = 0.01F;  // of a detection; torchvision's

struct Candidates {
  std::vector<Rect> boxes;
  std::vector<float> scores;
};

/// The best of a class, best first. No more than `most` can be among the best of all classes.
void add_best(const Candidates& candidates, int label, const DetectorOptions& options,
              std::vector<Detection>& detections) {
  std::vector<Rect> boxes;
  const auto order = train::top_k(candidates.scores, std::ssize(candidates.scores));
  boxes.reserve(order.size());
  for (const auto i : order) boxes.push_back(candidates.boxes[static_cast<std::size_t>(i)]);
  for (const auto i : nms(boxes, options.nms_iou, static_cast<std::size_t>(options.most))) {
    const float score = candidates.scores[static_cast<std::size_t>(order[i])];
    detections.push_back({.box = boxes[i], .label = label, .score = score});
  }
}

}  // namespace

std::vector<Detection> postprocess(std::span<const Rect> rois, std::span<const float> logits,
                                   std::span<const float> deltas, const PictureScale& picture,
                                   const DetectorOptions& options) {
  if (rois.empty()) return {};
  train::check_finite(logits);
  const std::size_t columns = logits.size() / rois.size();
  std::vector<Candidates> by_class(columns - 1);
  for (std::size_t r = 0; r < rois.size(); ++r) {
    const auto probabilities = train::softmax(logits.subspan(r * columns, columns));
    for (std::size_t c = 1; c < columns; ++c) {
      const auto score = static_cast<float>(probabilities[c]);
      if (!(score > options.score)) continue;
      const auto box = decode(rois[r], deltas_at(deltas, r * columns + c), options.deviations)
                           .within(picture.width, picture.height);
      if (!has_sides(box, least_detection_side)) continue;
      by_class[c - 1].boxes.push_back(box);
      by_class[c - 1].scores.push_back(score);
    }
  }

  std::vector<Detection> detections;
  for (std::size_t c = 0; c < by_class.size(); ++c)
    add_best(by_class[c], static_cast<int>(c), options, detections);
  stable_sort(detections, [](const Detection& a, const Detection& b) { return a.score > b.score; });
  if (std::ssize(detections) > options.most) detections.resize(static_cast<std::size_t>(options.most));
  for (auto& [box, label, score] : detections) {
    box = {.left = box.left * picture.x_factor,
           .top = box.top * picture.y_factor,
           .right = box.right * picture.x_factor,
           .bottom = box.bottom * picture.y_factor};
  }
  return detections;
}

}  // namespace scatlight::detect
