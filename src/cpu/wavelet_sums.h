#pragma once

#include <span>
#include <vector>

#include "cpu/tables.h"

namespace scatlight::cpu {

/// Writes dL/dpsi^ of one wavelet, (rows.padded, columns.padded): `factor` times what is in the sums of some
/// shares, which have tables.wavelet_sums_size() values each. `scratch` keeps its memory for the next
/// wavelet.
template <class T>
void write_wavelet_gradient(const Tables<T>& tables, int scale, int angle, std::span<const T> shares,
                            double factor, std::vector<double>& scratch, double* gradient);

}  // namespace scatlight::cpu
