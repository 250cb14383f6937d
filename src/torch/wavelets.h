#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "scatlight/wavelets.h"

namespace scatlight::torch_ops {

// Wavelets as a tensor (..., J, L, 4), float64: theta, xi, sigma and slant of each, as WaveletShape has them.

/// Those of the options: (J, L, 4).
at::Tensor first_wavelets(const ScatteringOptions& options);

/// One after the other.
std::vector<WaveletShape> to_shapes(const at::Tensor& wavelets);

/// Changes numbers that are out of range to the nearest ones in it. NaN stays.
void keep_in_range(const at::Tensor& wavelets);

/// Throws Error for numbers out of range.
void check_range(const at::Tensor& wavelets);

}  // namespace scatlight::torch_ops
