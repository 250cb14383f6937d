#include "detect/regions.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "detect/anchors.h"
#include "train/infer.h"

namespace scatlight::detect {

using train::numbers_of;

PictureScale scale_of(const data::Framing& framing) {
  return {.width = static_cast<float>(framing.size.width),
          .height = static_cast<float>(framing.size.height),
          .x_factor = static_cast<float>(1 / framing.scale_x()),
          .y_factor = static_cast<float>(1 / framing.scale_y())};
}

at::Tensor to_tensor(const std::vector<std::vector<Rect>>& regions, const at::Tensor& like) {
  std::vector<float> rows;
  for (std::size_t image = 0; image < regions.size(); ++image) {
    for (const auto& [left, top, right, bottom] : regions[image])
      rows.insert(rows.end(), {static_cast<float>(image), left, top, right, bottom});
  }
  return at::tensor(rows, at::kFloat).view({-1, 5}).to(like.options());
}

RegionsOfBatch::RegionsOfBatch(Detector& detector, const DetectorOptions& options, const at::Tensor& features)
    : output_(detector.propose(features)),
      anchors_(make_anchors(options, detector.parts().stride, static_cast<int>(features.size(2)),
                            static_cast<int>(features.size(3)))),
      objectness_(output_.objectness.detach().to(at::kCPU).contiguous()),
      deltas_(output_.deltas.detach().to(at::kCPU).contiguous()) {}

bool RegionsOfBatch::are_finite() const {
  const auto is_finite = [](float value) { return std::isfinite(value); };
  return std::ranges::all_of(numbers_of(objectness_), is_finite) &&
         std::ranges::all_of(numbers_of(deltas_), is_finite);
}

std::vector<Rect> RegionsOfBatch::propose(std::int64_t image, const PictureScale& picture,
                                          const ProposalOptions& options) const {
  return detect::propose(numbers_of(objectness_[image]), numbers_of(deltas_[image]), anchors_, picture.width,
                         picture.height, options);
}

}  // namespace scatlight::detect
