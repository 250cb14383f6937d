#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "data/objects.h"

namespace scatlight::detect {

using data::Rect;

/// How a box differs from a reference box: (dx, dy) of the centres in units of the reference's sides, and the
/// logarithms (dw, dh) of the sides' ratios; each may be divided by a deviation.
using Deltas = std::array<float, 4>;

inline constexpr Deltas no_deviations = {1, 1, 1, 1};

/// Row i of (n, 4) deltas.
inline Deltas deltas_at(std::span<const float> deltas, std::size_t i) {
  return {deltas[4 * i], deltas[4 * i + 1], deltas[4 * i + 2], deltas[4 * i + 3]};
}

/// Intersection over union, 0 where a box is empty.
float iou(const Rect& a, const Rect& b);

/// The deltas of a box; neither box is empty.
Deltas encode(const Rect& reference, const Rect& box, const Deltas& deviations = no_deviations);

/// The box of deltas. A side grows to 1000 / 16 times the reference's at most.
Rect decode(const Rect& reference, const Deltas& deltas, const Deltas& deviations = no_deviations);

/// Whether both sides are at least this long; never for a box with NaN.
bool has_sides(const Rect& box, float least);

}  // namespace scatlight::detect
