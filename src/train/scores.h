#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "scatlight/error.h"

// Scores of a network. The header needs neither torch nor a library.

namespace scatlight::train {

/// Throws Error when a network's output is not finite.
inline void check_finite(std::span<const float> logits) {
  if (!std::ranges::all_of(logits, [](float logit) { return std::isfinite(logit); })) {
    throw Error(
        "the network's outputs are not finite numbers: its weights are damaged, or training diverged");
  }
}

/// The indices of the k largest scores, largest first; fewer where there are fewer scores. Of equal scores
/// the smaller index comes first, so the answer never depends on chance. No score is NaN.
inline std::vector<std::int64_t> top_k(std::span<const float> scores, std::int64_t k) {
  std::vector<std::int64_t> indices(scores.size());
  std::iota(indices.begin(), indices.end(), 0);
  const auto precedes = [&](std::int64_t a, std::int64_t b) {
    const auto score_a = scores[static_cast<std::size_t>(a)];
    const auto score_b = scores[static_cast<std::size_t>(b)];
    return score_a != score_b ? score_a > score_b : a < b;
  };
  if (k < std::ssize(indices)) {
    std::nth_element(indices.begin(), indices.begin() + k, indices.end(), precedes);
    indices.resize(static_cast<std::size_t>(k));
  }
  std::ranges::sort(indices, precedes);
  return indices;
}

/// exp(logit - largest logit) for each logit: cannot overflow, and the largest is 1.
inline std::vector<double> scaled_exponentials(std::span<const float> logits) {
  const double largest = *std::ranges::max_element(logits);
  std::vector<double> exponentials;
  for (const double logit : logits) exponentials.push_back(std::exp(logit - largest));
  return exponentials;
}

/// Probabilities from logits.
inline std::vector<double> softmax(std::span<const float> logits) {
  auto probabilities = scaled_exponentials(logits);
  const double total = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  for (double& probability : probabilities) probability /= total;
  return probabilities;
}

}  // namespace scatlight::train
