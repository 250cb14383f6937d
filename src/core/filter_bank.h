#pragma once

#include <span>
#include <vector>

#include "core/fft.h"
#include "core/geometry.h"

namespace scatlight {

/// The spectrum of one wavelet psi_{j,theta} on the padded grid, which is real because the wavelet is
/// Hermitian in space. It is evaluated where it is asked for, column by column.
class WaveletSpectrum {
 public:
  /// Values of one column: (height). Column k stands for the horizontal frequency 2 pi k / width.
  void column(int k, std::span<double> values) const;

  /// Whether psi_{j,-theta} is its mirror image, psi(k_row, -k_column). (The five periods around the origin
  /// have no middle, so that wavelets which they cut off are not symmetric.)
  bool is_symmetric() const { return by_columns_.empty(); }

 private:
  friend class FilterBank;

  // One Gaussian exp(-(a u^2 + 2 b u v + c v^2) / 4) of the distance (u, v) from a centre, in radians.
  struct Bump {
    double center_row;
    double center_column;
    double amplitude;
  };
  void add_bump_column(const Bump& bump, int k, std::span<double> values) const;

  int height_ = 0;
  int width_ = 0;
  double a_ = 0;
  double b_ = 0;
  double c_ = 0;
  std::vector<Bump> bumps_;         // the wavelet, and what makes its mean zero
  std::vector<double> by_columns_;  // the whole spectrum, where it has no closed form
};

/// The filters of a plan as spectra on the padded grid, made in float64. Nothing is stored: each call makes
/// what it returns.
///
/// A Gabor filter is a Gaussian with curvature R(theta) diag(1, slant^2) R(-theta) / (2 sigma^2) times the
/// wave exp(i xi . u), divided by 2 pi sigma^2 / slant; Morlet subtracts the Gaussian that makes the mean
/// zero. Filters are sampled in space and wrapped around the padded plane over five periods each way.
/// psi_{j,theta} has sigma 2^j, xi = center_frequency / 2^j; phi_J is the isotropic Gaussian of width sigma
/// 2^(J-1).
///
/// Sampling in space repeats a spectrum at every 2 pi, and wrapping around in space samples it (Poisson's
/// sum), so the spectrum of psi is a sum of Gaussians in closed form. Where five periods cut the wavelet off,
/// which happens for many angles on planes of hardly more than 2^J samples, it is made in space and
/// transformed.
class FilterBank {
 public:
  FilterBank(const ScatteringOptions& resolved, const Geometry& geometry);

  WaveletSpectrum wavelet(int scale, int angle) const;

  /// The same, always made in space and transformed: what the closed form is checked against.
  WaveletSpectrum wavelet_made_in_space(int scale, int angle) const;

  /// One column of psi at a level: (rows.padded >> level) values. Above level 0 the spectrum is cut to the
  /// lower band and folded, as for phi. `whole` is scratch memory for rows.padded values.
  void psi_column(const WaveletSpectrum& wavelet, int level, int column, std::span<double> whole,
                  std::span<double> values) const;

  /// (rows.padded >> level, columns.padded >> level), row-major.
  std::vector<double> psi(int scale, int angle, int level) const;

  /// phi_J is the product of two of these, one for each axis: (axis.padded >> level).
  std::vector<double> phi(const Axis& axis, int level) const;

  /// That product: (rows.padded >> level, columns.padded >> level), row-major.
  std::vector<double> phi(int level) const;

  /// The angle index of -theta, or of theta itself where the bank has none.
  int opposite_angle(int angle) const;

  /// theta of an angle index, in radians; the static one for any number of angles.
  double theta(int angle) const { return theta(angle, options_.angles); }
  static double theta(int angle, int angles);

 private:
  struct Shape;
  Shape shape(int scale, int angle) const;

  ScatteringOptions options_;
  int height_;
  int width_;
  double pi_;  // of the normalisation only
};

}  // namespace scatlight
