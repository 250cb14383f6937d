#pragma once

#include <vector>

#include "analysis/periodic_bank.h"

namespace scatlight::analysis {

/// A symmetric 2 x 2 matrix over (row, column).
struct Matrix2 {
  double row_row = 0;
  double row_column = 0;
  double column_column = 0;

  double determinant() const { return row_row * column_column - row_column * row_column; }
  Matrix2 inverse() const;
  Matrix2 operator+(const Matrix2& other) const;

  /// v^T M v
  double form(double row, double column) const;
};

/// The matrices Sigma of the paper's blob model (section 2.2), x_Sigma^(w) = exp(-w^T Sigma w): in space a
/// Gaussian of covariance 2 Sigma and sum 1. Sigma must be positive definite.
///
/// A Gaussian of standard deviation `length` samples along `direction` and `thickness` across it; direction 0
/// points along the height axis, as the wavelets' theta.
Matrix2 line_blob(double length, double thickness, double direction);
Matrix2 round_blob(double deviation);

/// Draws x_Sigma around (height / 2, width / 2), wrapped around: (height, width), row-major. Its samples sum
/// to 1 if it is wide enough for the samples (a deviation of 1 and more); multiply it for a visible picture.
std::vector<double> draw_blob(const Matrix2& sigma, int height, int width);

/// Proposition 2, with what its proof leaves out. Let psi^(w) = exp(-(w - xi)^T P (w - xi)), a Gabor wavelet
/// of covariance 2 P in space, and phi_J^(w) = exp(-w^T Q w). Completing the square in
///
///   -w^T Sigma w - (w - xi)^T P (w - xi) = -(w - b)^T (Sigma + P) (w - b) - kappa,
///   b = (Sigma + P)^-1 P xi,   kappa = xi^T (Sigma^-1 + P^-1)^-1 xi,
///
/// gives |x_Sigma * psi|(u) = exp(-kappa) g(Sigma + P)(u), where g(M) is the Gaussian whose spectrum is
/// exp(-w^T M w). As x_Sigma * |psi| = g(Sigma + P), the two are proportional, and the constant is
/// exp(-kappa): equal only if Sigma xi = 0, that is for a line without width across the wave. After phi_J,
/// g(Sigma + P + Q).
struct BlobScattering {
  explicit BlobScattering(const PeriodicBank& bank);

  Matrix2 wavelet(int scale, int angle) const;  ///< P
  Matrix2 low_pass() const;                     ///< Q
  double kappa(const Matrix2& sigma, int scale, int angle) const;

  /// The maps of the transform of draw_blob(), in the closed form: order 0, then order 1 (scale slow, angle
  /// fast), each (height >> J, width >> J). The blob must not reach the edges.
  std::vector<double> maps(const Matrix2& sigma) const;

 private:
  ScatteringOptions options_;
  std::vector<double> theta_;
};

/// How far order 1 at one scale is from the closed form, the worst of all angles. An error of a map is the
/// largest difference over the map's largest value.
struct BlobScaleErrors {
  /// Of the computed transform, which differs in two ways: it samples wavelets in space, which repeats their
  /// spectra every 2 pi and is felt at the finest scale, and it samples |x * psi_j| every 2^j.
  double transform = 0;

  /// Of the transform with wavelets whose spectra are exactly Gaussians and moduli at every sample.
  double unsampled = 0;

  /// |x * psi| against c x * |psi| before the low-pass: the measured c over exp(-kappa), less 1; and the norm
  /// of what is left of |x * psi| beside the fit, as a share.
  double constant = 0;
  double residual = 0;

  double smallest_constant = 1;  ///< exp(-kappa), over the angles.
  double largest_constant = 0;
};

struct BlobErrors {
  double order0 = 0;
  std::vector<BlobScaleErrors> scales = {};  ///< By j.
};

/// Compares the transform of draw_blob(), computed in float64 with Gabor wavelets whatever the options say,
/// with the closed form. Throws Error for options out of range.
BlobErrors compare_blob(const ScatteringOptions& options, const Matrix2& sigma);

}  // namespace scatlight::analysis
