#include "bench/largest_batch.h"

#include <algorithm>
#include <optional>

namespace scatlight::bench {
namespace {

constexpr int most_tries = 12;
constexpr int tries_by_line = 6;  // then by halves: a line may come nearer from one side for ever
constexpr std::int64_t most_images = 1 << 20;

struct Tried {
  std::int64_t images = 0;
  std::int64_t bytes = 0;  // 0: unknown
};

/// Where the line through two peaks reaches the limit.
std::optional<std::int64_t> along_line(const Tried& a, const Tried& b, std::int64_t limit) {
  if (b.bytes <= a.bytes || b.images <= a.images) return std::nullopt;
  const double slope = static_cast<double>(b.bytes - a.bytes) / static_cast<double>(b.images - a.images);
  const double images = static_cast<double>(a.images) + static_cast<double>(limit - a.bytes) / slope;
  return static_cast<std::int64_t>(std::clamp(images, 0.0, double{most_images}));
}

}  // namespace

LargestBatch find_largest_batch(std::int64_t limit, std::int64_t known, std::int64_t known_bytes,
                                std::int64_t guess,
                                const std::function<BatchTry(std::int64_t images)>& attempt) {
  Tried fitted = {.images = known, .bytes = known_bytes};  // the largest
  Tried before = fitted;                                   // the one before it
  Tried failed = {.images = most_images + 1};              // the smallest
  for (int tries = 0; tries < most_tries && failed.images - fitted.images > 1; ++tries) {
    const auto images = std::clamp(guess, fitted.images + 1, failed.images - 1);
    const auto found = attempt(images);
    if (found.fits) {
      before = fitted;
      fitted = {.images = images, .bytes = found.bytes};
    } else {
      failed = {.images = images, .bytes = found.bytes};
    }
    const bool is_bounded = failed.images <= most_images;
    const auto middle = is_bounded ? (fitted.images + failed.images) / 2 : 2 * fitted.images;
    const auto next = is_bounded ? along_line(fitted, failed, limit) : along_line(before, fitted, limit);
    guess = tries < tries_by_line ? next.value_or(middle) : middle;
  }
  LargestBatch found = {.images = fitted.images};
  if (failed.images <= most_images) found.least_too_large = failed.images;
  return found;
}

}  // namespace scatlight::bench
