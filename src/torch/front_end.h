#pragma once

#include <ATen/core/Tensor.h>

#include "scatlight/scattering.h"

namespace scatlight::torch_ops {

/// The scattering transform as a step of a network.
///   images: (N, C, H, W) float32 or float64 on the CPU, any strides
///   result: (N, C * K, h, w) of the same type, contiguous; map c * K + k is paths()[k] of channel c
/// Differentiable once with respect to the images. The size of the images may change from call to call: H and
/// W of the options are ignored, and the plans used last are kept. It runs on as many threads as torch does.
/// Safe to call from several threads. Throws Error for other shapes and types, and for options out of range.
at::Tensor scatter(const at::Tensor& images, const ScatteringOptions& options);

/// Registers the operators scatlight::scattering and scatlight::scattering_backward (CPU, meta and autograd
/// kernels) with torch's dispatcher. scatter() does it by itself; the call exists so that a linker cannot
/// drop the registration. Repeated calls do nothing.
void register_operators();

}  // namespace scatlight::torch_ops
