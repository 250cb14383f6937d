#pragma once

#include <ATen/core/Tensor.h>

#include "scatlight/scattering.h"

namespace scatlight::torch_ops {

/// The scattering transform as a step of a network (paper section 4: "the scattering layer").
///   images: (N, C, H, W) float32 or float64 on the CPU, any strides
///   result: (N, C * K, h, w) of the same type, contiguous; map c * K + k is paths()[k] of channel c
/// The size of the images may change from call to call: H and W of the options are ignored, and the plans of
/// the sizes seen last are kept. Safe to call from several threads.
at::Tensor scatter(const at::Tensor& images, const ScatteringOptions& options);

/// Registers the operator scatlight::scattering with torch's dispatcher (CPU kernel, meta kernel). scatter()
/// does it by itself; the call exists so that a linker cannot drop the registration. Repeated calls do
/// nothing.
void register_operators();

}  // namespace scatlight::torch_ops
