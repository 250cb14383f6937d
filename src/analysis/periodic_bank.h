#pragma once

#include <vector>

#include "core/fft.h"
#include "core/filter_bank.h"

namespace scatlight::analysis {

/// The filters of some options as spectra on the image's own grid, on which every convolution wraps around.
/// The transform works on a padded grid; what is stated of filters alone (paper section 2.1) needs no
/// padding, and on the torus Parseval's identity and the Littlewood-Paley sum hold exactly.
///
/// Spectra are (height, width), row-major and not shifted: index k stands for the frequency of k.
class PeriodicBank {
 public:
  /// Throws Error for options out of range. The boundary and the stride have no effect.
  explicit PeriodicBank(const ScatteringOptions& options);

  const ScatteringOptions& options() const { return options_; }  ///< Resolved.
  int height() const { return options_.height; }
  int width() const { return options_.width; }

  std::vector<double> psi(int scale, int angle) const { return bank_.psi(scale, angle, 0); }
  std::vector<double> phi() const { return bank_.phi(0); }

  double theta(int angle) const { return bank_.theta(angle); }

  /// Of psi_{scale,angle}, in radians per sample, along rows and columns of samples.
  struct Frequency {
    double row;
    double column;
  };
  Frequency center_frequency(int scale, int angle) const;

 private:
  ScatteringOptions options_;
  FilterBank bank_;
};

/// The frequency in [-pi, pi) that index k of a spectrum of `length` samples stands for.
double frequency_of(int k, int length);

/// The spectrum of a real image (height, width).
ComplexPlane spectrum_of(const std::vector<double>& image, int height, int width);

/// |x * filter| in space, from the spectrum of x and a real spectrum of the filter.
std::vector<double> modulus_of_convolution(ComplexPlane spectrum, const std::vector<double>& filter);

}  // namespace scatlight::analysis
