#include "detect/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "scatlight/error.h"

namespace scatlight::detect {
namespace {

template <class T>
void require(const char* what, T value, T lowest, T highest) {
  if (!(value >= lowest && value <= highest))
    throw Error(fmt::format("{} {}: {} to {} is accepted", what, value, lowest, highest));
}

}  // namespace

void check(const DetectorOptions& options) {
  if (options.anchor_sizes.empty() || options.anchor_ratios.empty())
    throw Error("a detector needs at least one size and one ratio of anchors");
  require<std::size_t>("anchors per cell", options.anchor_sizes.size() * options.anchor_ratios.size(), 1,
                       1000);
  for (const auto size : options.anchor_sizes) require("size of an anchor", size, 1.0F, 1e5F);
  for (const auto ratio : options.anchor_ratios) require("ratio of an anchor", ratio, 0.01F, 100.0F);
  constexpr int most = 1'000'000;
  require("anchors of an image in the loss", options.rpn_samples, 1, most);
  require("share of positive anchors", options.rpn_share, 0.0F, 1.0F);
  require("positive overlap of anchors", options.rpn_positive, 0.0F, 1.0F);
  require("negative overlap of anchors", options.rpn_negative, 0.0F, options.rpn_positive);
  require("beta of the anchors' loss", options.rpn_beta, 1e-6F, 1e6F);
  for (const auto count :
       {options.proposals_before, options.proposals, options.test_before, options.test_proposals})
    require("proposals", count, 1, most);
  require("overlap of proposals", options.proposal_iou, 0.0F, 1.0F);
  require("regions of an image in the loss", options.roi_samples, 1, most);
  require("share of objects among the regions", options.roi_share, 0.0F, 1.0F);
  require("positive overlap of regions", options.roi_positive, 0.0F, 1.0F);
  require("negative overlap of regions", options.roi_negative, 0.0F, options.roi_positive);
  for (const auto deviation : options.deviations)
    require("deviation of the box targets", deviation, 1e-6F, 1e6F);
  require("beta of the boxes' loss", options.box_beta, 1e-6F, 1e6F);
  require("lowest score", options.score, 0.0F, 1.0F);
  require("overlap of detections", options.nms_iou, 0.0F, 1.0F);
  require("detections of an image", options.most, 1, most);
}

}  // namespace scatlight::detect
