#include "detect/losses.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace scatlight::detect {
namespace {

at::Tensor indices_like(const std::vector<std::int64_t>& indices, const at::Tensor& like) {
  return at::tensor(indices, at::kLong).to(like.device());
}

at::Tensor deltas_like(const std::vector<Deltas>& deltas, const at::Tensor& like) {
  const auto result = at::empty({std::ssize(deltas), 4}, at::kFloat);
  auto* to = result.mutable_data_ptr<float>();
  for (const auto& row : deltas) to = std::copy(row.begin(), row.end(), to);
  return result.to(like.options());
}

double count_of(std::size_t sampled) { return static_cast<double>(std::max<std::size_t>(sampled, 1)); }

}  // namespace

RpnLosses rpn_losses(const at::Tensor& objectness, const at::Tensor& deltas, const RpnTargets& targets,
                     float beta) {
  const double sampled = count_of(targets.sampled.size());
  const auto logits = objectness.index_select(0, indices_like(targets.sampled, objectness));
  const auto wanted = at::tensor(targets.objectness, at::kFloat).to(objectness.options());
  const auto of_positive = deltas.index_select(0, indices_like(targets.positive, deltas));
  return {
      .objectness =
          at::binary_cross_entropy_with_logits(logits, wanted, {}, {}, at::Reduction::Sum) / sampled,
      .box = at::smooth_l1_loss(of_positive, deltas_like(targets.deltas, deltas), at::Reduction::Sum, beta) /
             sampled};
}

RoiLosses roi_losses(const at::Tensor& logits, const at::Tensor& deltas, const RoiTargets& targets,
                     float beta) {
  const double sampled = count_of(targets.rois.size());
  std::vector<std::int64_t> rows;  // of deltas as (R * (classes + 1), 4)
  std::vector<Deltas> wanted;
  for (std::size_t r = 0; r < targets.labels.size(); ++r) {
    if (targets.labels[r] == 0) continue;
    rows.push_back(static_cast<std::int64_t>(r) * logits.size(1) + targets.labels[r]);
    wanted.push_back(targets.deltas[r]);
  }
  const auto of_objects = deltas.reshape({-1, 4}).index_select(0, indices_like(rows, deltas));
  return {
      .label = at::cross_entropy_loss(logits, indices_like(targets.labels, logits), {}, at::Reduction::Sum) /
               sampled,
      .box = at::smooth_l1_loss(of_objects, deltas_like(wanted, deltas), at::Reduction::Sum, beta) / sampled};
}

}  // namespace scatlight::detect
