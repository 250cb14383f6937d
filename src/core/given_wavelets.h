#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "core/geometry.h"
#include "scatlight/wavelets.h"

namespace scatlight {

/// Throws Error unless these are (J, L) shapes, all of them in range.
void check_shapes(std::span<const WaveletShape> shapes, const ScatteringOptions& resolved);

/// Throws Error unless these are (J, L, rows.padded, columns.padded) finite values.
void check_spectra(std::span<const double> spectra, const ScatteringOptions& resolved,
                   const Geometry& geometry);

/// Throws Error unless there are as many `values` as spectra have; `name` is what the caller calls them.
void check_wavelet_values(std::string_view name, std::size_t values, const ScatteringOptions& resolved,
                          const Geometry& geometry);

}  // namespace scatlight
