#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "core/filter_bank.h"
#include "core/geometry.h"
#include "cpu/costs.h"
#include "cpu/fft_plan.h"

namespace scatlight::cpu {

/// phi_J along one axis at one level. A line is averaged in one of three ways: by LowPassKernel's weights at
/// each output; or, where these cover the whole axis and it takes less time, as a whole, by its halves or its
/// spectrum.
template <class T>
struct LowPass {
  static constexpr double vertical_tap_cost = low_pass_cost.vertical_tap;
  static constexpr double horizontal_tap_cost = low_pass_cost.horizontal_tap;

  LowPass(const FilterBank& bank, const Axis& axis, const Geometry& geometry, int level, int lanes,
          double tap_cost);

  static constexpr int together = 8;           ///< samples that `spread` takes at once
  static constexpr int margin = together - 1;  ///< zeros before and after the weights for it

  /// (margin + taps + margin), symmetric. If they cover the whole of an even axis, the sample opposite the
  /// middle has half of its weight at both ends.
  std::vector<T> weights;
  int radius;      ///< taps are 2 radius + 1
  int level_step;  ///< levels up to that of the output
  int step;        ///< samples from one output sample to the next: 2^level_step
  int border;      ///< output samples that are left out before the first one

  struct Spectral {
    FftPlan<T> line;
    FftPlan<T> outputs;      ///< with the border
    std::vector<T> factors;  ///< of the line's spectrum
  };
  std::optional<Spectral> spectral;

  /// With u(n) + u(n + length) and u(n) - u(n + length) of a line, outputs at m and m + length are sum and
  /// difference of what these give, each with half as many weights: the first goes on periodically, the
  /// second with its sign changed. Forward only; comes before `spectral`.
  struct Halves {
    int length;  ///< of half a line
    int radius;
    std::vector<T> of_sums;  ///< the weights of distances 0 to `radius`
    std::vector<T> of_differences;

    /// Both lines, continued, and what they give.
    std::size_t scratch_vectors(int step) const { return 2 * (length + 2 * radius + length / step); }
  };
  std::optional<Halves> halves;

  /// Whether a line is taken as a whole, in place of what is near an output.
  bool takes_whole() const { return halves || spectral; }

  int taps() const { return 2 * radius + 1; }
  /// The weights from tap t on, of the sample at distance t - radius.
  const T* weights_from(int tap) const { return weights.data() + margin + tap; }
  /// The sample in the middle; in a line that is continued by the radius, the first one that has a weight.
  int center(int output) const { return (output + border) * step; }
  /// Which of the outputs, [first, last), have weights for any of the samples [begin, end) of such a line.
  std::pair<int, int> reaching(int begin, int end, int outputs) const {
    const auto [first, last] = reached(begin - radius, end - radius);
    return {std::clamp(first, 0, outputs), std::clamp(last, 0, outputs)};
  }
  /// Which outputs have weights for any of the samples [begin, end). Those before the first one and after the
  /// last one stand for others, a period away.
  std::pair<int, int> reached(int begin, int end) const {
    const auto at_or_before = [&](int sample) { return (sample >> level_step) - border; };
    return {at_or_before(begin + radius - taps()) + 1, at_or_before(end - 1 + radius) + 1};
  }
};

}  // namespace scatlight::cpu
