#include "core/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace scatlight {
namespace {

TEST(ThreadPool, RunsEveryIndexOnce) {
  ThreadPool pool(3);
  for (int count : {0, 1, 2, 1000}) {
    std::vector<std::atomic<int>> runs(count);
    pool.run(count, [&](std::int64_t i) { ++runs[i]; });
    for (auto& n : runs) EXPECT_EQ(n, 1);
  }
}

TEST(ThreadPool, ServesSeveralCallersAtOnce) {
  ThreadPool pool(2);
  std::atomic<std::int64_t> sum = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) pool.run(20, [&](std::int64_t i) { sum += i; });
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 50 * 190);
}

TEST(ThreadPool, RethrowsAndGoesOn) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.run(100,
                        [](std::int64_t i) {
                          if (i == 7) throw std::runtime_error("seven");
                        }),
               std::runtime_error);
  std::atomic<int> runs = 0;
  pool.run(10, [&](std::int64_t) { ++runs; });
  EXPECT_EQ(runs, 10);
}

}  // namespace
}  // namespace scatlight
