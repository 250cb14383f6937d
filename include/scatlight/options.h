#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "scatlight/error.h"
#include "scatlight/export.h"
#include "scatlight/names.h"

namespace scatlight {

/// The band-pass filters. Morlet is Gabor with a zero mean (paper section 2: Gabor for analysis, Morlet for
/// experiments).
enum class Wavelet { Morlet, Gabor };

template <>
struct Names<Wavelet> {
  static constexpr std::string_view what = "wavelet";
  static constexpr std::array<std::string_view, 2> all = {"morlet", "gabor"};
};

/// How an image is continued beyond its edges. Reflect does not repeat the edge sample. Padded means that the
/// image already has the padded size: its height and width are multiples of 2^J, at least 3 * 2^J, and its
/// outer 2^J samples are context that gives no output.
enum class Boundary { Reflect, Periodic, Zero, Padded };

template <>
struct Names<Boundary> {
  static constexpr std::string_view what = "boundary";
  static constexpr std::array<std::string_view, 4> all = {"reflect", "periodic", "zero", "padded"};
};

/// Kymatio divides a filter by 2 * 3.1415 * sigma^2 / slant, as the field's reference implementation does;
/// Exact uses pi.
enum class Normalization { Kymatio, Exact };

template <>
struct Names<Normalization> {
  static constexpr std::string_view what = "normalization";
  static constexpr std::array<std::string_view, 2> all = {"kymatio", "exact"};
};

/// Runs body(0) ... body(count - 1) in any order, on any threads, and returns when all are done.
using ParallelFor = std::function<void(std::int64_t count, const std::function<void(std::int64_t)>& body)>;

/// What to compute. The defaults are the paper's, except that an image size must be given.
/// (src/core/option_list.h has a row for each option but parallel_for, which the command line, Python and the
/// operator of torch read.)
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
  double center_frequency = 2.356194490192345;  ///< Of the finest wavelet, in radians per sample: 3/4 pi.
  double slant = 0;                             ///< Ratio of a wavelet's two widths. 0 means 4 / L.
  int threads = 0;                ///< Of the plan or of parallel_for, at most 1024. 0: one per core.
  ParallelFor parallel_for = {};  ///< The caller's threads, instead of the plan's own.
  /// Bytes that the filters of a Scattering may take as float32, and as many again as float64: a plan that
  /// needs more is refused before it takes any. (CudaScattering's are not limited.)
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

/// What the transform makes of one plane, which is one channel of one image. It follows from the options
/// alone.
struct ScatteringShape {
  std::int64_t maps = 0;  ///< K
  int height = 0;  ///< Of a map: height / stride, of as many whole 2^J blocks as the image's centre has.
  int width = 0;   ///< Of a map: width / stride, likewise.
  int padded_height = 0;  ///< Of the plane on which convolutions wrap around: height + 2^J or more.
  int padded_width = 0;   ///< Of the same plane: width + 2^J or more.
  friend bool operator==(const ScatteringShape&, const ScatteringShape&) = default;
};

/// The shape that a plan of these options has; no plan is made. Throws Error for options out of range.
SCATLIGHT_API ScatteringShape shape_of(const ScatteringOptions& options);

/// The output maps of one plane: order 0, then order 1 (scale slow, angle fast), then order 2 (scale1,
/// angle1, scale2, angle2, the last the fastest): (shape_of(options).maps). No plan is made. Throws Error for
/// options out of range.
SCATLIGHT_API std::vector<Path> paths_of(const ScatteringOptions& options);

/// The least height and width of an image that these scales and this boundary accept: 2^J, or 3 * 2^J where
/// it is padded. The size in the options has no effect. Throws Error for scales out of range.
SCATLIGHT_API int smallest_side(const ScatteringOptions& options);

}  // namespace scatlight
