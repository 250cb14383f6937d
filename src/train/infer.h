#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "data/loader.h"
#include "nets/network.h"

namespace scatlight::train {

/// The images of a batch as a tensor (count, 3, size, size) that shares the batch's memory.
at::Tensor images_of(data::Batch& batch);

/// The scores (N, classes) of maps (N, C, h, w): contiguous floats on the CPU, without a gradient. The
/// network is in evaluation mode.
at::Tensor scores_of(nets::Network& network, const at::Tensor& maps);

/// The numbers of a contiguous float tensor.
std::span<const float> numbers_of(const at::Tensor& tensor);

}  // namespace scatlight::train
