#pragma once

#include <vector>

#include "scatlight/scattering.h"

namespace scatlight::analysis {

/// Bounds of a Littlewood-Paley sum: lower ||x||^2 <= ||W x||^2 <= upper ||x||^2.
struct FrameBounds {
  double lower = 0;
  double upper = 0;

  /// The least epsilon_0 with 1 - epsilon_0 <= sum <= 1 + epsilon_0 (paper section 2.1).
  double epsilon() const;
};

/// A(w) = |phi_J^(w)|^2 + sum over j < J and theta of |psi_{j,theta}^(w)|^2 (paper section 2.1) and its
/// parts, each (height, width), row-major, not shifted.
///
/// The angles cover half a turn, so the sum as the paper prints it leaves the other half of the plane to phi
/// alone. A real image has equal energy at w and -w, and what counts for it is the sum made symmetric:
/// |phi^(w)|^2 + (1/2) sum (|psi^(w)|^2 + |psi^(-w)|^2).
struct LittlewoodPaley {
  int height = 0;
  int width = 0;
  std::vector<double> low_pass = {};       ///< |phi_J^|^2
  std::vector<double> wavelets = {};       ///< sum |psi^|^2
  std::vector<double> wavelets_real = {};  ///< the same made symmetric: for real images

  /// The sum at an index, as printed and for real images. `gain` multiplies every psi.
  double printed(std::size_t i, double gain = 1) const { return low_pass[i] + gain * gain * wavelets[i]; }
  double real(std::size_t i, double gain = 1) const { return low_pass[i] + gain * gain * wavelets_real[i]; }
};

/// Throws Error for options out of range.
LittlewoodPaley littlewood_paley(const ScatteringOptions& options);

/// Over the disk |w| < pi, the circle of the image's frequencies.
FrameBounds printed_bounds(const LittlewoodPaley& sum);
FrameBounds real_bounds(const LittlewoodPaley& sum, double gain = 1);

/// The factor on every psi that makes real_bounds().epsilon() least.
double best_gain(const LittlewoodPaley& sum);

/// The sum for real images on rings of |w|. Rings without a frequency of the grid are left out.
struct RadialCurve {
  std::vector<double> radius = {};  ///< Middles of the rings, in radians per sample, below pi.
  std::vector<double> lowest = {};
  std::vector<double> mean = {};
  std::vector<double> highest = {};
};
RadialCurve radial_curve(const LittlewoodPaley& sum, int rings, double gain = 1);

}  // namespace scatlight::analysis
