#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "data/loader.h"
#include "data/recipe.h"
#include "nets/network.h"

namespace scatlight::train {

/// The images of a batch as a network's numbers: (count, 3, size, size) floats on the device, bit-equal on
/// all.
at::Tensor images_of(data::Batch& batch, const data::Recipe& recipe, const at::Device& device);

/// Normalises bytes (N, height, width, 3) on the device that holds them.
at::Tensor normalize(const at::Tensor& bytes, const data::Recipe& recipe);

/// The scores (N, classes) of maps (N, C, h, w): contiguous floats on the CPU, without a gradient. The
/// network is in evaluation mode.
at::Tensor scores_of(nets::Network& network, const at::Tensor& maps);

/// The numbers of a contiguous float tensor.
std::span<const float> numbers_of(const at::Tensor& tensor);

}  // namespace scatlight::train
