#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/geometry.h"
#include "core/morlet.h"

namespace scatlight {

/// The filters of a plan as spectra on the padded grid, made in float64. Nothing is stored but what was
/// given: each call makes what it returns.
///
/// The wavelets of the options are Morlet's, made as its class says: psi_{j,theta} has sigma 2^j and xi =
/// center_frequency / 2^j. Others may be given in their place. phi_J is the isotropic Gaussian of width sigma
/// 2^(J-1), sampled in space and wrapped around the padded plane over five periods each way, as they are.
class FilterBank {
 public:
  FilterBank(const ScatteringOptions& resolved, const Geometry& geometry);

  /// The same bank with other wavelets: of these shapes, (J, L), which are in range, or with these spectra,
  /// (J, L, rows.padded, columns.padded).
  FilterBank with(std::vector<WaveletShape> shapes) const;
  FilterBank with(std::vector<double> spectra) const;
  /// The same filters on another padded grid, which spectra do not allow.
  FilterBank on(const Geometry& geometry) const;

  WaveletSpectrum wavelet(int scale, int angle) const;

  /// The wavelet that has a shape. If spectra were given, it is that of the options.
  Morlet morlet(int scale, int angle) const;

  /// The shapes of the wavelets of the options, (J, L).
  static std::vector<WaveletShape> shapes_of(const ScatteringOptions& resolved);

  /// Whether psi_{scale,angle} is the mirror image, psi(k_row, -k_column), of the wavelet of the same scale
  /// that has opposite_angle(angle), a lower one.
  bool is_mirrored(int scale, int angle) const;

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

  /// The index in the whole spectrum of index k of that of a level, -1 where the band is cut: it keeps
  /// |k| < length / 2^(level + 1).
  static int source_of(int k, int length, int level);

 private:
  ScatteringOptions options_;
  int height_;
  int width_;
  double pi_;  // of the normalisation only
  std::vector<WaveletShape> shapes_;
  std::shared_ptr<const std::vector<double>> spectra_;  // none unless they were given
};

}  // namespace scatlight
