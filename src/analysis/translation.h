#pragma once

#include <vector>

#include "analysis/periodic_bank.h"

namespace scatlight::analysis {

/// Proposition 1 (paper section 2.1): for x_a(u) = x(u - a),
///
///   || x_a * psi - exp(-i w0 . a) x * psi ||  <=  ||x|| sqrt(4 eps^2 + (M |a| eta)^2),
///
/// where |psi^| <= eps outside the disk of radius eta around w0 and |psi^| <= M. Any eta may be chosen; the
/// bound here is the least over eta. M, which the paper takes as 1, is the largest |psi^|. Norms are those of
/// the samples; translations are made in frequency, on the torus, so a need not be whole.
struct TranslationBound {
  double eta = 0;      ///< eta_0 of the least bound, in radians per sample.
  double epsilon = 0;  ///< The largest |psi^| beyond it.
  double value = 0;    ///< The bound's factor of ||x||.
};

/// One wavelet psi_{j,theta}, with |psi^| by distance from its centre frequency.
class TranslationStudy {
 public:
  TranslationStudy(const PeriodicBank& bank, int scale, int angle);

  struct Shift {
    double row;  ///< In samples.
    double column;
    double length() const;
  };

  TranslationBound bound(double length) const;

  /// || x_a * psi - exp(-i w0 . a) x * psi || / ||x|| for the image x with this spectrum.
  double change(const ComplexPlane& spectrum, Shift shift) const;

  /// The largest change over all x, complex ones included: the norm of the operator, which a wave attains.
  double largest_change(Shift shift) const;

  /// The change for a Dirac at the one sample that moves with it, u = a, where the paper's remark after the
  /// proposition looks: |psi(0) - exp(-i w0 . a) psi(a)|.
  double change_at_dirac(Shift shift) const;

 private:
  PeriodicBank::Frequency center_;
  int height_;
  int width_;
  std::vector<double> psi_;
  std::vector<double> tail_;  // the largest |psi^| at distances of at least ring * ring_width
  double ring_width_;
};

/// The largest of change / bound over a set of translations of one length, and where it is.
struct TightestShift {
  int scale = 0;
  double length = 0;     ///< |a| in samples.
  int angle = 0;         ///< Of the wavelet.
  double direction = 0;  ///< Of a, in radians; 0 points along the height axis.
  double change = 0;     ///< Left side, as a share of ||x||.
  TranslationBound bound = {};
  double ratio() const { return change / bound.value; }
};

/// For each scale and each length, the tightest of all angles and of `directions` directions over half a turn
/// (a and -a change x equally). Without a spectrum it is the worst signal's instead of one image's.
std::vector<TightestShift> translation_table(const PeriodicBank& bank, const ComplexPlane* spectrum,
                                             const std::vector<double>& lengths, int directions);

/// The power of |a| with which a Dirac changes under small translations along the wave of psi_{scale,0}, a
/// Gabor wavelet whatever the options say: between |a| = 1/4 and 1/2.
struct DiracOrders {
  double of_norm = 0;  ///< Of the proposition's left side: 1, so the bound's order is right.
  double at_sample =
      0;  ///< Of |psi(0) - exp(-i w0 . a) psi(a)|, which the paper's remark takes as 1: it is 2.
};
DiracOrders dirac_orders(ScatteringOptions options, int scale);

}  // namespace scatlight::analysis
