#pragma once

#include <cstddef>
#include <span>

namespace scatlight::analysis {

// Arithmetic of long vectors of equal length. Sums are made in float by lanes and in double by pieces: as
// exact as the solvers need, and fast without special instructions.

inline double dot(std::span<const float> a, std::span<const float> b) {
  constexpr std::size_t lanes = 16;
  constexpr std::size_t piece = 64 * lanes;
  double total = 0;
  std::size_t i = 0;
  while (i + lanes <= a.size()) {
    float sums[lanes] = {};
    for (const std::size_t end = i + piece; i < end && i + lanes <= a.size(); i += lanes) {
      for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
    }
    for (const float sum : sums) total += sum;
  }
  for (; i < a.size(); ++i) total += static_cast<double>(a[i]) * b[i];
  return total;
}

/// to = a + factor b
inline void assign_sum(std::span<const float> a, double factor, std::span<const float> b,
                       std::span<float> to) {
  const auto f = static_cast<float>(factor);
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = a[i] + f * b[i];
}

/// to += factor a
inline void add_scaled(double factor, std::span<const float> a, std::span<float> to) {
  const auto f = static_cast<float>(factor);
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += f * a[i];
}

inline void scale(double factor, std::span<float> vector) {
  const auto f = static_cast<float>(factor);
  for (float& value : vector) value *= f;
}

}  // namespace scatlight::analysis
