#pragma once

#include <cstdint>
#include <functional>
#include <optional>

namespace scatlight::bench {

/// What a training step with a batch needed.
struct BatchTry {
  bool fits = false;
  std::int64_t bytes = 0;  ///< Its peak; 0 where it ended for want of memory.
};

struct LargestBatch {
  std::int64_t images = 0;  ///< The largest batch that was seen to fit.
  /// The smallest that was seen not to: `images` + 1 unless tries ran out. Nothing where all fitted.
  std::optional<std::int64_t> least_too_large = std::nullopt;
};

/// Searches the largest batch that fits into `limit` bytes, beginning with `guess`. One of `known` images
/// fits, with a peak of `known_bytes`. Peaks grow with the batch nearly along a line, along which it
/// searches; where a try ended without a peak it halves. At most 12 tries.
LargestBatch find_largest_batch(std::int64_t limit, std::int64_t known, std::int64_t known_bytes,
                                std::int64_t guess,
                                const std::function<BatchTry(std::int64_t images)>& attempt);

}  // namespace scatlight::bench
