// Steps of a detector as operators of torch, so that Python can call them beside torchvision's in one
// process:
//   torch.ops.load_library("build/tests/box_operators.so")
// Boxes are (n, 4) float32 on the CPU. scatlight::roi_align comes with them.

#include <ATen/ATen.h>
#include <torch/library.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "detect/box_math.h"
#include "detect/nms.h"
#include "torch/roi_align_op.h"

namespace {

using namespace scatlight;
using detect::Rect;

std::vector<Rect> to_boxes(const at::Tensor& tensor) {
  const auto contiguous = tensor.contiguous();
  const auto* numbers = contiguous.const_data_ptr<float>();
  std::vector<Rect> boxes;
  for (std::int64_t i = 0; i < contiguous.size(0); ++i, numbers += 4) {
    boxes.push_back({.left = numbers[0], .top = numbers[1], .right = numbers[2], .bottom = numbers[3]});
  }
  return boxes;
}

detect::Deltas to_deltas(at::ArrayRef<double> numbers) {
  detect::Deltas deltas;
  std::copy_n(numbers.begin(), deltas.size(), deltas.begin());
  return deltas;
}

at::Tensor iou(const at::Tensor& a, const at::Tensor& b) {
  const auto result = at::empty({a.size(0), b.size(0)});
  auto* to = result.mutable_data_ptr<float>();
  for (const auto& of_a : to_boxes(a)) {
    for (const auto& of_b : to_boxes(b)) *to++ = detect::iou(of_a, of_b);
  }
  return result;
}

at::Tensor encode(const at::Tensor& references, const at::Tensor& boxes, at::ArrayRef<double> deviations) {
  const auto result = at::empty({references.size(0), 4});
  auto* to = result.mutable_data_ptr<float>();
  const auto from = to_boxes(references);
  const auto given = to_boxes(boxes);
  for (std::size_t i = 0; i < from.size(); ++i) {
    to = std::ranges::copy(detect::encode(from[i], given[i], to_deltas(deviations)), to).out;
  }
  return result;
}

at::Tensor decode(const at::Tensor& references, const at::Tensor& deltas, at::ArrayRef<double> deviations) {
  const auto result = at::empty({references.size(0), 4});
  auto* to = result.mutable_data_ptr<float>();
  const auto from = to_boxes(references);
  const auto contiguous = deltas.contiguous();
  const std::span rows(contiguous.const_data_ptr<float>(), static_cast<std::size_t>(contiguous.numel()));
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto box = detect::decode(from[i], detect::deltas_at(rows, i), to_deltas(deviations));
    to = std::ranges::copy(std::array{box.left, box.top, box.right, box.bottom}, to).out;
  }
  return result;
}

/// Boxes by falling score.
at::Tensor nms(const at::Tensor& boxes, double limit, std::int64_t most) {
  std::vector<std::int64_t> kept;
  for (const auto i :
       detect::nms(to_boxes(boxes), static_cast<float>(limit), static_cast<std::size_t>(most))) {
    kept.push_back(static_cast<std::int64_t>(i));
  }
  return at::tensor(kept, at::kLong);
}

}  // namespace

TORCH_LIBRARY(scatlight_boxes, library) {
  torch_ops::register_roi_align();
  library.def("iou(Tensor a, Tensor b) -> Tensor", iou);
  library.def("encode(Tensor references, Tensor boxes, float[] deviations) -> Tensor", encode);
  library.def("decode(Tensor references, Tensor deltas, float[] deviations) -> Tensor", decode);
  library.def("nms(Tensor boxes, float limit, int most) -> Tensor", nms);
}
