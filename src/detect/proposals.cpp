#include "detect/proposals.h"

#include "detect/nms.h"
#include "train/scores.h"

namespace scatlight::detect {
namespace {

constexpr float least_proposal_side = 1e-3F;  // of a proposal; torchvision's

}  // namespace

ProposalOptions proposals_in_training(const DetectorOptions& options) {
  return {.before = options.proposals_before, .most = options.proposals, .iou = options.proposal_iou};
}

ProposalOptions proposals_in_tests(const DetectorOptions& options) {
  return {.before = options.test_before, .most = options.test_proposals, .iou = options.proposal_iou};
}

std::vector<Rect> propose(std::span<const float> objectness, std::span<const float> deltas,
                          std::span<const Rect> anchors, float width, float height,
                          const ProposalOptions& options) {
  train::check_finite(objectness);
  std::vector<Rect> boxes;
  for (const auto index : train::top_k(objectness, options.before)) {
    const auto i = static_cast<std::size_t>(index);
    const auto box = decode(anchors[i], deltas_at(deltas, i)).within(width, height);
    if (has_sides(box, least_proposal_side)) boxes.push_back(box);
  }
  std::vector<Rect> proposals;
  for (const auto i : nms(boxes, options.iou, static_cast<std::size_t>(options.most)))
    proposals.push_back(boxes[i]);
  return proposals;
}

}  // namespace scatlight::detect
