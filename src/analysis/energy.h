#pragma once

#include <array>
#include <vector>

#include "scatlight/scattering.h"

namespace scatlight::analysis {

/// What share of an image's energy ||x||^2 the orders keep.
struct EnergyKept {
  int scales = 0;                    ///< J
  std::array<double, 3> order = {};  ///< Shares of orders 0, 1 and 2.
  double sum() const { return order[0] + order[1] + order[2]; }
};

/// For J = 1 ... max_scales of one plane (height, width); the options' J, orders and stride have no effect. A
/// map's energy is that of all its samples at stride 1: it is computed at the coarsest stride whose band
/// holds phi_J, times the samples left out. At the edges shares are not exact, since phi_J carries energy
/// over them. Throws Error for options out of range.
std::vector<EnergyKept> energy_kept(const ScatteringOptions& options, const std::vector<double>& image,
                                    int max_scales);

/// Coefficients per pixel of the transform of one plane (paper section 2.1: (1 + L J) / 4^J for order 1).
double coefficients_per_pixel(int scales, int angles, int max_order);

}  // namespace scatlight::analysis
