#pragma once

#include <functional>
#include <vector>

#include "scatlight/scattering.h"

namespace scatlight::analysis {

/// The linear map x -> (x * phi_J, x * (|psi_{j,theta}| * phi_J) for all theta and j < J), which the
/// transform of a blob is up to constants (paper section 2.2), on the torus. The paper calls its inversion
/// poorly conditioned for large J; these are the numbers.
struct Conditioning {
  int scales = 0;  ///< J

  /// log10 of the largest over the smallest singular value for signals in the disk |w| < pi, before any
  /// subsampling. A logarithm, because it leaves float64's range where J is large.
  double log10_condition = 0;

  /// After keeping every 2^J-th sample, 4^J frequencies alias to one, and 1 + J L channels see them: what
  /// share of all dimensions has a singular value above 1e-3 of the largest.
  double seen = 0;

  /// Coefficients per pixel, (1 + J L) / 4^J: no more than this share can be seen.
  double coefficients = 0;
};

/// For J = 1 ... max_scales; the options' own J has no effect. Height and width must be multiples of
/// 2^max_scales. `advance` is called after each J.
std::vector<Conditioning> conditioning(
    const ScatteringOptions& options, int max_scales, const std::function<void()>& advance = [] {});

}  // namespace scatlight::analysis
