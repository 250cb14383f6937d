#include "train/infer.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <array>

namespace scatlight::train {

namespace {

at::Tensor normalize_on_cpu(const data::Batch& batch, const data::Recipe& recipe) {
  const data::ImageSize size{.width = recipe.options().size, .height = recipe.options().size};
  auto images = at::empty({batch.count, 3, size.height, size.width}, at::kFloat);
  const std::span numbers(images.mutable_data_ptr<float>(), batch.images.size());
  const auto one = batch.images.size() / static_cast<std::size_t>(batch.count);
  at::parallel_for(0, batch.count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto first = static_cast<std::size_t>(begin) * one; first < static_cast<std::size_t>(end) * one;
         first += one)
      recipe.normalizer().write(std::span(batch.images).subspan(first, one), size,
                                numbers.subspan(first, one), size);
  });
  return images;
}

}  // namespace

at::Tensor images_of(data::Batch& batch, const data::Recipe& recipe, const at::Device& device) {
  if (device.is_cpu()) return normalize_on_cpu(batch, recipe);
  const auto size = recipe.options().size;
  const auto bytes = at::from_blob(batch.images.data(), {batch.count, size, size, 3}, at::kByte);
  return normalize(bytes.pin_memory().to(device, /*non_blocking=*/true), recipe);  // a quarter of the floats
}

at::Tensor normalize(const at::Tensor& bytes, const data::Recipe& recipe) {
  auto images = bytes.permute({0, 3, 1, 2}).to(at::kFloat);
  const auto per_channel = [&](const std::array<float, 3>& numbers) {
    return at::tensor(numbers).view({1, 3, 1, 1}).to(images.device());
  };
  // A GPU multiplies by the inverse of a number, which is rounded otherwise than a division.
  return images.div_(at::full({}, 255.0F, images.options()))
      .sub_(per_channel(recipe.options().mean))
      .div_(per_channel(recipe.options().deviation));
}

at::Tensor scores_of(nets::Network& network, const at::Tensor& maps) {
  const at::NoGradGuard no_grad;
  return network.classify(maps).to(at::kCPU, at::kFloat).contiguous();
}

std::span<const float> numbers_of(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

}  // namespace scatlight::train
