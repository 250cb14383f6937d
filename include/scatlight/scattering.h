#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scatlight/error.h"
#include "scatlight/export.h"
#include "scatlight/options.h"
#include "scatlight/version.h"
#include "scatlight/wavelets.h"

namespace scatlight {

/// A plan for the scattering transform of images of one size. It is immutable: any number of threads may
/// execute one plan at the same time. Copies share their tables.
class SCATLIGHT_API Scattering {
 public:
  /// Checks the options and chooses the engine: the fastest that this processor has, or the one that the
  /// environment variable SCATLIGHT_ENGINE names (see engine()). The filters are built by the
  /// first call, as float32 and as float64 each when they are needed; a call without planes does nothing
  /// else. Throws Error for options out of range, for filters whose float32 would go beyond memory_limit and
  /// for an unknown engine.
  explicit Scattering(const ScatteringOptions& options);

  /// The options with every default resolved (stride, slant, threads).
  const ScatteringOptions& options() const;

  /// The output maps of one plane, as paths_of() gives them. The size K of this table is the number of maps
  /// that a plane gives.
  const std::vector<Path>& paths() const;

  /// theta of an angle index of the options, in radians; 0 points along the height axis. Throws Error for no
  /// such angle.
  double theta(int angle) const;

  /// The filters, made in float64 with each call, as spectra on the padded grid at a level's resolution:
  /// real, row-major, (padded_height >> level, padded_width >> level). Levels of phi_J are 0 to J - 1, those
  /// of psi_{scale,angle} 0 to scale. Throw Error for no such filter.
  std::vector<double> low_pass(int level = 0) const;
  std::vector<double> wavelet(int scale, int angle, int level = 0) const;

  int padded_height() const;  ///< As ScatteringShape has it, like the three below.
  int padded_width() const;
  int output_height() const;
  int output_width() const;

  /// "reference", or a vector instruction set: "baseline", "sse4", "avx2", "avx512", "neon".
  std::string_view engine() const;

  /// Transforms planes (a plane is one channel of one image).
  ///   images:   (planes, height, width), contiguous
  ///   features: (planes, K, output_height, output_width), contiguous, overwritten
  /// The number of planes follows from images.size(). A plane's result depends neither on the other planes
  /// nor on the number of threads, with one exception: small planes (up to about 70 x 70 samples) are rounded
  /// differently in calls of many planes, which take less time per plane, than in calls of a few. NaN or
  /// infinite samples make NaN or infinite what they reach in their plane: in small planes, and in all planes
  /// with order 2, every map of order 1 and 2. A plane's largest magnitude may be anything from 1e-30 to 1e30
  /// (float64: from 1e-250 to 1e250), or 0. Throws Error when a size does not fit or memory runs out.
  void forward(std::span<const float> images, std::span<float> features) const;
  void forward(std::span<const double> images, std::span<double> features) const;

  /// The gradient with respect to the images, from the gradient with respect to the features (reverse mode):
  /// dL/dimages from dL/dfeatures, for any loss L. Where the modulus is zero, its gradient is 0.
  ///   images:            (planes, height, width), those given to forward()
  ///   feature_gradients: (planes, K, output_height, output_width)
  ///   image_gradients:   (planes, height, width), overwritten
  /// The modulus is computed again, so nothing has to be kept from forward(). Maps whose gradient is zero
  /// everywhere take no time and add nothing. Threads, NaN and errors are as in forward().
  void backward(std::span<const float> images, std::span<const float> feature_gradients,
                std::span<float> image_gradients) const;
  void backward(std::span<const double> images, std::span<const double> feature_gradients,
                std::span<double> image_gradients) const;

  /// The same with the gradient with respect to the wavelets too, dL/dpsi^ at full resolution, which
  /// shape_gradients() goes on from:
  ///   wavelet_gradients: (J, L, padded_height, padded_width), in float64, overwritten
  /// It is the sum over all planes and over all paths that the wavelet is in, of both orders. Samples of the
  /// spectra that a path does not use because its level cuts them off give nothing to it. It does not depend
  /// on the number of threads, bit for bit. Of an image that is continued by zero, it is that of rounding
  /// where nothing but rounding is left of x * psi. The image gradients are those of the calls without it up
  /// to rounding, as planes are not cut into tiles for it.
  void backward(std::span<const float> images, std::span<const float> feature_gradients,
                std::span<float> image_gradients, std::span<double> wavelet_gradients) const;
  void backward(std::span<const double> images, std::span<const double> feature_gradients,
                std::span<double> image_gradients, std::span<double> wavelet_gradients) const;

  /// A plan of the same options with other wavelets psi, which shares all else with this one, so that it
  /// takes far less time than a new plan: those of the given shapes, (J, L), or with the given spectra, real
  /// ones of level 0, (J, L, padded_height, padded_width), of which scale j uses what the fixed ones do at
  /// its level. With the shapes that wavelet_shapes() gives, the results are those of the fixed transform,
  /// bit for bit. Other wavelets are applied to whole planes, as nothing bounds how far they reach, and large
  /// planes take longer than on the tiles of the fixed ones. Throws Error for sizes that do not fit, for
  /// shapes out of range (WaveletShape), for spectra that are not finite, and for filters that would go
  /// beyond memory_limit if nothing of their spectra were negligible.
  Scattering with_wavelets(std::span<const WaveletShape> shapes) const;
  Scattering with_wavelets(std::span<const double> spectra) const;

  /// The engines that this build and this processor can run, slowest first.
  static std::vector<std::string> available_engines();

 private:
  struct Plan;
  explicit Scattering(std::shared_ptr<const Plan> plan);

  std::shared_ptr<const Plan> plan_;
};

}  // namespace scatlight
