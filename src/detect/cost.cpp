#include "detect/cost.h"

#include "nets/architecture.h"
#include "nets/cost.h"

namespace scatlight::detect {
DetectorCost detector_cost(const DetectorNetworkOptions& given, const Frozen& frozen, int height, int width) {
  check(given);
  auto options = given.network;
  options.height = height;
  options.width = width;
  const auto architecture = nets::make_architecture(options);
  const auto parts = nets::detection_parts(options);
  const nets::CostRules rules = {.first_trained = nets::first_trained(frozen.groups, parts.groups),
                                 .frozen_norms = frozen.norms};
  const auto base = nets::layers_cost(architecture, 0, parts.base_end, architecture.maps, rules);
  const nets::Shape pooled = {parts.channels, given.pool, given.pool};
  const auto head = nets::layers_cost(architecture, parts.head_begin, parts.head_end, pooled, rules);

  constexpr std::int64_t float_bytes = 4;
  const std::int64_t places = base.output.height * base.output.width;
  const std::int64_t channels = given.rpn_channels;
  const std::int64_t of_anchors = 5 * std::int64_t{given.anchors};  // a logit and 4 deltas each
  const std::int64_t of_classes = 5 * (std::int64_t{options.classes} + 1);
  const std::int64_t rpn_weights = channels * (9 * parts.channels + of_anchors);
  DetectorCost cost;
  cost.parameters = base.cost.parameters + head.cost.parameters + rpn_weights + channels + of_anchors +
                    of_classes * (parts.head_channels + 1);
  cost.base_multiply_adds = static_cast<double>(base.cost.multiply_adds);
  cost.proposal_multiply_adds = static_cast<double>(places) * static_cast<double>(rpn_weights);
  cost.region_multiply_adds = static_cast<double>(head.cost.multiply_adds + of_classes * parts.head_channels);
  cost.picture_bytes = base.cost.saved_bytes + float_bytes * places * channels;
  cost.region_bytes = head.cost.saved_bytes + float_bytes * parts.head_channels;
  return cost;
}

}  // namespace scatlight::detect
