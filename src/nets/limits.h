#pragma once

#include <fmt/format.h>

#include "scatlight/error.h"

// What the structure of a network may be at most.

namespace scatlight::nets {

// Far beyond use, and small enough that no product of them overflows.
constexpr int most_channels = 1 << 16;
constexpr int most_blocks = 1000;
constexpr int most_pixels = 1 << 16;

/// Throws Error, which names `what`, unless lowest <= value <= highest.
inline void require_range(const char* what, int value, int lowest, int highest) {
  if (value < lowest || value > highest)
    throw Error(fmt::format("{} is {}; it must be between {} and {}", what, value, lowest, highest));
}

}  // namespace scatlight::nets
