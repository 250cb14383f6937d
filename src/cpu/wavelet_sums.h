#pragma once

#include <span>

#include "cpu/tables.h"

namespace scatlight::cpu {

/// Writes dL/dpsi^ of one wavelet, (rows.padded, columns.padded): `factor` times what is in the sums of some
/// shares, which have tables.wavelet_sums_size() values each.
template <class T>
void write_wavelet_gradient(const Tables<T>& tables, int scale, int angle, std::span<const T> shares,
                            double factor, double* gradient);

}  // namespace scatlight::cpu
