#include "train/infer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>

#include <cmath>

namespace scatlight::train {

at::Tensor images_of(data::Batch& batch) {
  const auto pixels = static_cast<std::int64_t>(batch.images.size()) / (3 * batch.count);
  const auto size = std::llround(std::sqrt(static_cast<double>(pixels)));
  return at::from_blob(batch.images.data(), {batch.count, 3, size, size}, at::kFloat);
}

at::Tensor scores_of(nets::Network& network, const at::Tensor& maps) {
  const at::NoGradGuard no_grad;
  return network.classify(maps).to(at::kCPU, at::kFloat).contiguous();
}

std::span<const float> numbers_of(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

}  // namespace scatlight::train
