#pragma once

#include <vector>

#include "core/fft.h"
#include "core/geometry.h"

namespace scatlight {

/// The filters of a plan as spectra on the padded grid, made in float64. All spectra are real, because every
/// filter is Hermitian in space. Nothing is stored: each call makes what it returns.
///
/// A Gabor filter is a Gaussian with curvature R(theta) diag(1, slant^2) R(-theta) / (2 sigma^2) times the
/// wave exp(i xi . u), divided by 2 pi sigma^2 / slant; Morlet subtracts the Gaussian that makes the mean
/// zero. Filters are sampled in space and wrapped around the padded plane over five periods each way.
/// psi_{j,theta} has sigma 2^j, xi = center_frequency / 2^j; phi_J is the isotropic Gaussian of width sigma
/// 2^(J-1).
class FilterBank {
 public:
  FilterBank(const ScatteringOptions& resolved, const Geometry& geometry);

  /// (rows.padded >> level, columns.padded >> level), row-major. At a level above 0 the spectrum is cut to
  /// the lower band and folded.
  std::vector<double> psi(int scale, int angle, int level) const;

  /// phi_J is the product of two of these, one for each axis: (axis.padded >> level).
  std::vector<double> phi(const Axis& axis, int level) const;

  /// theta of an angle index, in radians.
  double theta(int angle) const;

 private:
  std::vector<double> wavelet(int scale, int angle) const;

  ScatteringOptions options_;
  int height_;
  int width_;
  double pi_;  // of the normalisation only
};

}  // namespace scatlight
