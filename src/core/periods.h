#pragma once

#include <algorithm>

namespace scatlight {

/// A Gaussian is taken as zero in space where its exponent is below minus this: exp(-80) = 2e-35, as five
/// periods add up.
inline constexpr double negligible_in_space = 80;

/// Sample positions of the five periods around the origin that fit in [-radius, radius].
struct Positions {
  Positions(int period, double radius)
      : first(static_cast<int>(-std::min(radius, 2.0 * period))),
        last(static_cast<int>(std::min(radius, 3.0 * period - 1))) {}
  int first;
  int last;
};

/// The index of a position in its period.
inline int wrap(int position, int period) { return (position % period + period) % period; }

}  // namespace scatlight
