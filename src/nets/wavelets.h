#pragma once

#include <ATen/core/Tensor.h>

#include "nets/network.h"
#include "scatlight/options.h"

// Wavelets that a network learns: four numbers each, theta, xi, sigma and slant, as WaveletShape has them.

namespace scatlight::nets {

/// The name of the parameter.
constexpr const char* wavelets_name = "scattering.wavelets";

/// Those of the options, with which a training begins: float64, (J, L, 4), or (3, J, L, 4) with a set for
/// each colour.
at::Tensor first_wavelets(const ScatteringOptions& options, LearnedFilters learned);

/// Changes numbers that are out of range to the nearest ones in it. NaN stays.
void keep_wavelets_in_range(const at::Tensor& wavelets);

/// Throws Error for numbers out of range.
void check_wavelets(const at::Tensor& wavelets, const NetworkOptions& options);

}  // namespace scatlight::nets
