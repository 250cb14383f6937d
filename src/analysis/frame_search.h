#pragma once

#include <functional>

#include "scatlight/scattering.h"

namespace scatlight::analysis {

/// The filters that a search found.
struct FoundFrame {
  ScatteringOptions options = {};  ///< The given ones with sigma, center_frequency and slant replaced.
  double gain = 1;                 ///< A factor on every psi.
  double epsilon = 0;              ///< epsilon_0 for real images, gain included.
  int evaluations = 0;
};

/// Makes epsilon_0 of real images (frame.h) small over sigma, centre frequency and slant for the given J, L
/// and wavelet, and over the gain of psi too if `with_gain`. It is a local search from the given filters and
/// some around them, on a grid of at most 96 samples per side; the result's epsilon is that on the given
/// grid. `advance` is called after each start.
FoundFrame search_frame(
    const ScatteringOptions& options, bool with_gain, const std::function<void()>& advance = [] {});

/// The number of calls of `advance`.
int frame_search_starts();

}  // namespace scatlight::analysis
