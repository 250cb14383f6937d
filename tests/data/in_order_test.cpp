#include "data/in_order.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace scatlight::data {
namespace {

TEST(InOrder, TakesResultsInOrderWhateverTheThreads) {
  for (const int threads : {1, 2, 5}) {
    std::vector<std::int64_t> taken;
    in_order(
        300, threads, 4,
        [](std::int64_t i) {
          if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
          return std::make_unique<std::int64_t>(i * i);
        },
        [&](std::int64_t i, std::unique_ptr<std::int64_t> result) {
          EXPECT_EQ(*result, i * i);
          taken.push_back(i);
        });
    ASSERT_EQ(taken.size(), 300U);
    for (std::int64_t i = 0; i < 300; ++i) EXPECT_EQ(taken[static_cast<std::size_t>(i)], i);
  }
}

TEST(InOrder, BoundsWhatWaits) {
  constexpr std::int64_t window = 3;
  std::atomic<std::int64_t> made = 0;
  std::int64_t taken = 0;
  in_order(
      100, 4, window, [&](std::int64_t i) { return ++made, i; },
      [&](std::int64_t, std::int64_t) {
        EXPECT_LE(made - taken, window);
        std::this_thread::sleep_for(std::chrono::microseconds(100));
        ++taken;
      });
  EXPECT_EQ(taken, 100);
}

TEST(InOrder, StopsAtAFailureOfEitherSide) {
  std::int64_t taken = 0;
  EXPECT_THROW(in_order(
                   1000, 3, 4,
                   [](std::int64_t i) {
                     if (i == 20) throw std::runtime_error("made badly");
                     return i;
                   },
                   [&](std::int64_t, std::int64_t) { ++taken; }),
               std::runtime_error);
  EXPECT_LE(taken, 20);
  EXPECT_THROW(in_order(
                   1000, 3, 4, [](std::int64_t i) { return i; },
                   [](std::int64_t i, std::int64_t) {
                     if (i == 5) throw std::runtime_error("full disk");
                     EXPECT_LT(i, 5);
                   }),
               std::runtime_error);
}

}  // namespace
}  // namespace scatlight::data
