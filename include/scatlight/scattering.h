#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scatlight/error.h"
#include "scatlight/export.h"
#include "scatlight/version.h"

namespace scatlight {

/// The band-pass filters. Morlet is Gabor with a zero mean (paper section 2: Gabor for analysis, Morlet for
/// experiments).
enum class Wavelet { Morlet, Gabor };

/// How an image is continued beyond its edges. Reflect does not repeat the edge sample. Padded means that the
/// image already has the padded size: its height and width are multiples of 2^J, at least 3 * 2^J, and its
/// outer 2^J samples are context that gives no output.
enum class Boundary { Reflect, Periodic, Zero, Padded };

/// Kymatio divides a filter by 2 * 3.1415 * sigma^2 / slant, as the field's reference implementation does;
/// Exact uses pi.
enum class Normalization { Kymatio, Exact };

/// Runs body(0) ... body(count - 1) in any order, on any threads, and returns when all are done.
using ParallelFor = std::function<void(std::int64_t count, const std::function<void(std::int64_t)>& body)>;

/// What to compute. The defaults are the paper's, except that an image size must be given.
struct ScatteringOptions {
  int height = 0;     ///< Of the image, in samples.
  int width = 0;      ///< Of the image, in samples.
  int scales = 3;     ///< J: the low-pass covers 2^J samples; 2^J may not exceed the height or the width.
  int angles = 8;     ///< L.
  int max_order = 1;  ///< 0, 1 or 2.
  int stride = 0;     ///< Input samples per output sample: a power of two up to 2^J. 0 means 2^J.
  Wavelet wavelet = Wavelet::Morlet;
  Boundary boundary = Boundary::Reflect;
  Normalization normalization = Normalization::Kymatio;
  double sigma = 0.8;                           ///< Width of the finest wavelet, in samples.
  double center_frequency = 2.356194490192345;  ///< Of the finest wavelet, in radians a sample: 3/4 pi.
  double slant = 0;                             ///< Ratio of a wavelet's two widths. 0 means 4 / L.
  int threads = 0;                ///< Of the plan's own, or of parallel_for; at most 1024. 0: one per core.
  ParallelFor parallel_for = {};  ///< The caller's threads, instead of the plan's own.
  /// Bytes that the filters of a Scattering may take, as float32 and, from the first call with float64 on, as
  /// float64: a plan that needs more is refused before it takes any. (CudaScattering's are not limited.)
  std::int64_t memory_limit = std::int64_t{4} << 30;
};

/// Which coefficient an output map holds: S x = ||x * psi_{j1,theta1}| * psi_{j2,theta2}| * phi_J, cut after
/// `order` wavelets. Scales and angles that the order does not use are -1.
struct Path {
  int order = 0;
  int scale1 = -1;  ///< j1 in [0, J)
  int angle1 = -1;  ///< index of theta1 in [0, L)
  int scale2 = -1;  ///< j2 in (j1, J)
  int angle2 = -1;  ///< index of theta2 in [0, L)
  friend bool operator==(const Path&, const Path&) = default;
};

/// A plan for the scattering transform of images of one size. It is immutable: any number of threads may
/// execute one plan at the same time. Copies share their tables.
class SCATLIGHT_API Scattering {
 public:
  /// Checks the options, builds the filters and chooses the engine: the fastest that this processor has, or
  /// the one that the environment variable SCATLIGHT_ENGINE names (see engine()). Throws Error for options
  /// out of range, for filters beyond memory_limit and for an unknown engine.
  explicit Scattering(const ScatteringOptions& options);

  /// The options with every default resolved (stride, slant, threads).
  const ScatteringOptions& options() const;

  /// Output maps of one image plane: order 0, then order 1 (scale slow, angle fast), then order 2 (scale1,
  /// angle1, scale2, angle2, the last the fastest). The size K of this table is the number of maps a plane
  /// gives.
  const std::vector<Path>& paths() const;

  /// theta of an angle index, in radians; 0 points along the height axis. Throws Error for no such angle.
  double theta(int angle) const;

  /// The filters, made in float64 with each call, as spectra on the padded grid at a level's resolution:
  /// real, row-major, (padded_height >> level, padded_width >> level). Levels of phi_J are 0 to J - 1, those
  /// of psi_{scale,angle} 0 to scale. Throw Error for no such filter.
  std::vector<double> low_pass(int level = 0) const;
  std::vector<double> wavelet(int scale, int angle, int level = 0) const;

  int padded_height() const;  ///< of the plane on which convolutions wrap around: height + 2^J or more.
  int padded_width() const;

  int output_height() const;  ///< height / stride, rounded down to whole 2^J blocks.
  int output_width() const;   ///< width / stride, rounded down to whole 2^J blocks.

  /// "reference", or a vector instruction set: "baseline", "sse4", "avx2", "avx512", "neon".
  std::string_view engine() const;

  /// Transforms planes (a plane is one channel of one image).
  ///   images:   (planes, height, width), contiguous
  ///   features: (planes, K, output_height, output_width), contiguous, overwritten
  /// The number of planes follows from images.size(). A plane's result does not depend on the other planes
  /// nor on the number of threads; only that small planes (up to about 70 x 70 samples) are rounded one way
  /// in calls of a few of them and another way in calls of many, which are faster a plane. NaN or infinite
  /// samples make NaN or infinite what they reach in their plane: in small planes, and with order 2 in all,
  /// every map of order 1 and 2. A plane's largest magnitude may be anything from 1e-30 to 1e30 (float64:
  /// from 1e-250 to 1e250), or 0. Throws Error when a size does not fit or memory runs out.
  void forward(std::span<const float> images, std::span<float> features) const;
  void forward(std::span<const double> images, std::span<double> features) const;

  /// The gradient with respect to the images, from that with respect to the features (reverse mode): what is
  /// given is dL/dfeatures, what is returned dL/dimages, for any L. Zero modulus has the gradient 0.
  ///   images:            (planes, height, width), those given to forward()
  ///   feature_gradients: (planes, K, output_height, output_width)
  ///   image_gradients:   (planes, height, width), overwritten
  /// The modulus is computed again, so nothing has to be kept from forward(). Maps whose gradient is zero
  /// everywhere take no time and add nothing. Threads, NaN and errors as in forward().
  void backward(std::span<const float> images, std::span<const float> feature_gradients,
                std::span<float> image_gradients) const;
  void backward(std::span<const double> images, std::span<const double> feature_gradients,
                std::span<double> image_gradients) const;

  /// The engines that this build and this processor can run, slowest first.
  static std::vector<std::string> available_engines();

 private:
  struct Plan;
  std::shared_ptr<const Plan> plan_;
};

}  // namespace scatlight
