#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "scatlight/wavelets.h"

namespace scatlight {

/// The spectrum of one wavelet on a grid of (height, width) samples, which is real because the wavelet is
/// Hermitian in space. One with a closed form is evaluated where it is asked for, column by column.
class WaveletSpectrum {
 public:
  /// One that is there: (width, height), column by column.
  WaveletSpectrum(int height, int width, std::vector<double> by_columns)
      : height_(height), width_(width), by_columns_(std::move(by_columns)) {}

  /// Values of one column: (height). Column k stands for the horizontal frequency 2 pi k / width.
  void column(int k, std::span<double> values) const;

 private:
  friend class Morlet;

  // One Gaussian exp(-(a u^2 + 2 b u v + c v^2) / 4) of the distance (u, v) from a centre, in radians.
  struct Bump {
    double center_row;
    double center_column;
    double amplitude;
  };

  // The sums of w, w u, w v, w u^2, w u v and w v^2 over all samples of a bump, where w are weights times
  // the bump.
  struct Moments {
    double one = 0;
    double u = 0;
    double v = 0;
    double uu = 0;
    double uv = 0;
    double vv = 0;
  };

  WaveletSpectrum(int height, int width, double a, double b, double c);
  template <class Take>
  void visit_bump_column(const Bump& bump, int k, const Take& take) const;
  void add_moments(const Bump& bump, int k, std::span<const double> weights, Moments& moments) const;

  int height_ = 0;
  int width_ = 0;
  double a_ = 0;
  double b_ = 0;
  double c_ = 0;
  double second_factor_ = 0;        // what a Gaussian's factor from row to row changes by
  std::vector<Bump> bumps_;         // the wavelet, and what makes its mean zero
  std::vector<double> by_columns_;  // the whole spectrum, where it has no closed form
};

/// One wavelet of a bank on a grid of (height, width) samples: a Gabor filter, divided by
/// 2 pi sigma^2 / slant, which Morlet's zero mean is made of.
///
/// Sampling in space repeats a spectrum at every 2 pi, and wrapping around in space samples it (Poisson's
/// sum), so the spectrum is a sum of Gaussians in closed form. Where the five periods around the origin cut
/// the wavelet off, which happens for many angles on planes of hardly more than 2^J samples, it is made in
/// space and transformed.
class Morlet {
 public:
  /// `pi` is that of the normalisation.
  Morlet(const WaveletShape& shape, int height, int width, Wavelet kind, double pi);

  /// Wavelets that have one are symmetric: psi_{-theta} is the mirror image psi(k_row, -k_column). (The five
  /// periods have no middle, so that those which they cut off are not.)
  bool has_closed_form() const;

  WaveletSpectrum spectrum() const { return has_closed_form() ? closed_form() : made_in_space(); }
  /// The same, always made in space and transformed: what the closed form is checked against.
  WaveletSpectrum made_in_space() const;

  /// From dL/dpsi^, (height, width), to dL/dtheta and so on.
  WaveletShape gradient(std::span<const double> of_spectrum) const {
    return has_closed_form() ? gradient_of_closed_form(of_spectrum) : gradient_in_space(of_spectrum);
  }

 private:
  WaveletSpectrum closed_form() const;
  WaveletShape gradient_of_closed_form(std::span<const double> of_spectrum) const;
  WaveletShape gradient_in_space(std::span<const double> of_spectrum) const;
  WaveletShape gradient_of_bump(const WaveletSpectrum::Moments& moments, double frequency) const;
  template <class Take>
  void visit_samples(const Take& take) const;

  WaveletShape shape_;
  int height_;
  int width_;
  bool is_morlet_;
  double cosine_;
  double sine_;
  // In space: exp(-(row_row u^2 + 2 row_column u v + column_column v^2)) times the wave, times `factor`.
  double row_row_;
  double row_column_;
  double column_column_;
  double determinant_;
  double factor_;
};

}  // namespace scatlight
