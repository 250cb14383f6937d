#pragma once

#include <span>
#include <vector>

#include "scatlight/export.h"
#include "scatlight/options.h"

namespace scatlight {

/// The four numbers that a wavelet psi is made of: a Gaussian with curvature
/// R(theta) diag(1, slant^2) R(-theta) / (2 sigma^2) times the wave exp(i xi . u) along theta (paper section
/// 2), minus the Gaussian that makes the mean of a Morlet wavelet zero. Lists of them have (J, L) shapes:
/// that of psi_{scale,angle} is at scale * angles + angle.
struct WaveletShape {
  double theta = 0;  ///< Direction in radians; 0 points along the height axis. Any finite number.
  double xi = 0;     ///< Centre frequency in radians per sample, from -pi to pi.
  double sigma = 0;  ///< Width along theta in samples, at least 0.1.
  double slant = 0;  ///< Ratio of the two widths (the one across theta is sigma / slant), from 0.01 to 10.
  friend bool operator==(const WaveletShape&, const WaveletShape&) = default;
};

/// The shapes of the wavelets that a plan of these options has: (J, L). No plan is made. Throws Error for
/// options out of range.
SCATLIGHT_API std::vector<WaveletShape> wavelet_shapes(const ScatteringOptions& options);

/// The chain from the gradient with respect to the spectra of wavelets down to their four numbers, in
/// float64: dL/dtheta, dL/dxi, dL/dsigma and dL/dslant of each wavelet, in the members of these names.
///   shapes:            (J, L), those of Scattering::with_wavelets()
///   wavelet_gradients: (J, L, padded_height, padded_width), as Scattering::backward() gives them
/// It is the derivative of the wavelets exactly as a plan makes them, wrapped around the padded plane.
/// Throws Error for options and shapes out of range, and for sizes that do not fit.
SCATLIGHT_API std::vector<WaveletShape> shape_gradients(const ScatteringOptions& options,
                                                        std::span<const WaveletShape> shapes,
                                                        std::span<const double> wavelet_gradients);

}  // namespace scatlight
