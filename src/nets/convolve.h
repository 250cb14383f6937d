#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace scatlight::nets {

/// at::conv2d with square strides and padding. On a CPU, the gradient for the weights of channels-last
/// convolutions is computed from contiguous copies: oneDNN's way to compute it from channels last takes 2 to
/// 3 times as long where the kernel is larger than 1x1, while the other two of a convolution's three products
/// are faster in channels last.
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                    std::int64_t stride, std::int64_t padding);

}  // namespace scatlight::nets
