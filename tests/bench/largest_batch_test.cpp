#include "bench/largest_batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace scatlight::bench {
namespace {

constexpr std::int64_t limit = 10'000;

/// Peaks as those of trainings: gradients bound small batches, activations large ones.
std::int64_t peak(std::int64_t images) { return std::max(900 + 30 * images, 400 + 52 * images); }
constexpr std::int64_t largest = (limit - 400) / 52;

struct Search {
  LargestBatch found;
  std::vector<std::int64_t> tried;
};

/// `sees_peaks`: of batches that do not fit, too, as on the CPU.
Search search(std::int64_t guess, bool sees_peaks, std::int64_t memory = limit) {
  Search result;
  result.found = find_largest_batch(memory, 2, peak(2), guess, [&](std::int64_t images) {
    result.tried.push_back(images);
    const bool fits = peak(images) <= memory;
    return BatchTry{.fits = fits, .bytes = fits || sees_peaks ? peak(images) : 0};
  });
  return result;
}

TEST(LargestBatch, IsFoundFromAnyGuess) {
  for (const bool sees_peaks : {true, false}) {
    for (const std::int64_t guess : {-5, 3, 50, 138, 184, 185, 190, 260}) {
      const auto [found, tried] = search(guess, sees_peaks);
      EXPECT_EQ(found.images, largest) << guess;
      EXPECT_EQ(found.least_too_large, largest + 1) << guess;
      EXPECT_LE(tried.size(), 12U) << guess;
    }
  }
}

TEST(LargestBatch, TakesFewTriesAlongTheLine) { EXPECT_LE(search(largest * 3 / 4, true).tried.size(), 4U); }

TEST(LargestBatch, MayBeTheOneThatIsKnown) {
  const auto [found, tried] = search(2, true, peak(2));
  EXPECT_EQ(found.images, 2);
  EXPECT_EQ(found.least_too_large, 3);
  EXPECT_EQ(tried, std::vector<std::int64_t>{3});
}

TEST(LargestBatch, TellsHowFarItCameWhereTriesRanOut) {
  // An allocator that needs much more than the peaks tell.
  int tries = 0;
  const auto found = find_largest_batch(limit, 2, peak(2), 100'000, [&](std::int64_t images) {
    ++tries;
    return BatchTry{.fits = images <= 33, .bytes = images <= 33 ? peak(images) : 0};
  });
  EXPECT_EQ(tries, 12);
  EXPECT_LE(found.images, 33);
  EXPECT_GT(found.least_too_large.value(), 33);
}

TEST(LargestBatch, NamesNoneAsTooLargeThatWasNotTried) {
  const auto found = find_largest_batch(limit, 2, peak(2), 1 << 20, [&](std::int64_t images) {
    return BatchTry{.fits = true, .bytes = peak(images)};
  });
  EXPECT_EQ(found.images, 1 << 20);
  EXPECT_FALSE(found.least_too_large.has_value());
}

}  // namespace
}  // namespace scatlight::bench
