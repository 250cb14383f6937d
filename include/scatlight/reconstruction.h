#pragma once

#include <array>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "scatlight/export.h"
#include "scatlight/names.h"
#include "scatlight/scattering.h"

namespace scatlight {

/// How reconstruct() looks for the image.
enum class Solver {
  /// Coarse scales first, by a quasi-Newton method whose steps favour what images have much of: low
  /// frequencies, and what the channels have in common, so that these do not drift apart.
  CoarseToFine,
  /// The paper's (section 2.2): Adam, from grey with noise, at a rate of 10 on pixels of 0 to 255 that is
  /// divided by 10 every 200 steps.
  Paper,
};

template <>
struct Names<Solver> {
  static constexpr std::string_view what = "solver";
  static constexpr std::array<std::string_view, 2> all = {"coarse-to-fine", "paper"};
};

SCATLIGHT_API int default_evaluations(Solver solver);

/// What is known after an evaluation.
struct ReconstructionStep {
  int evaluations = 0;           ///< so far
  double relative_error = 0;     ///< ||S y - S x|| / ||S x||
  std::span<const float> image;  ///< y, (channels, height, width); valid during the call
};

struct ReconstructionOptions {
  Solver solver = Solver::CoarseToFine;
  int evaluations = 0;     ///< Of the transform and its gradient, at most. 0: default_evaluations(solver).
  double tolerance = 0;    ///< Stops at this relative error. 0: 1e-5, and Paper at 2e-3.
  double pixel_range = 1;  ///< From black to white; only Paper depends on it.
  std::function<bool(const ReconstructionStep&)> on_step = {};  ///< False stops. May be empty.
};

/// The result of reconstruct().
struct Reconstruction {
  std::vector<float> image = {};    ///< y, (channels, height, width). Not clamped to a range.
  std::vector<double> errors = {};  ///< relative_error of each evaluation
  double relative_error = 0;        ///< of the image
};

/// An image y whose scattering is as close to the given one as can be found: inf_y ||S x - S y|| (paper,
/// equation 1).
///   features: S x, (channels, K, output_height, output_width), of order 1 or of orders 1 and 2
/// One plane of y belongs to each channel of x; channels are expected to resemble each other, as those of
/// colour images do. All memory is allocated before the first step. Throws Error for sizes that do not fit
/// and values that are not finite.
SCATLIGHT_API Reconstruction reconstruct(const Scattering& plan, std::span<const float> features,
                                         const ReconstructionOptions& options = {});

}  // namespace scatlight
