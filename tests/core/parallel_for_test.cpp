#include "core/parallel_for.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace scatlight {
namespace {

TEST(ParallelFor, RunsEveryIndexOnce) {
  for (int count : {0, 1, 2, 1000}) {
    std::vector<std::atomic<int>> runs(count);
    parallel_for(3, count, [&](std::int64_t i) { ++runs[i]; });
    for (auto& n : runs) EXPECT_EQ(n, 1);
  }
}

TEST(ParallelFor, UsesTheThreadsItMayAndNoMore) {
  for (int threads : {4, 2, 3, 1}) {
    std::mutex mutex;
    std::set<std::thread::id> seen;
    parallel_for(threads, 40, [&](std::int64_t) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    });
    EXPECT_EQ(seen.size(), threads);
  }
}

TEST(ParallelFor, ServesSeveralCallersAtOnceAndLoopsInLoops) {
  std::atomic<std::int64_t> sum = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        parallel_for(2, 20, [&](std::int64_t i) { parallel_for(3, 3, [&](std::int64_t) { sum += i; }); });
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 50 * 190 * 3);
}

TEST(ParallelFor, WorksInTheBackgroundOnlyForThreadsThatDo) {
  const auto priorities = [] {
    std::mutex mutex;
    std::set<int> seen;
    parallel_for(3, 40, [&](std::int64_t) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const std::lock_guard lock(mutex);
      seen.insert(getpriority(PRIO_PROCESS, 0));
    });
    return seen;
  };
  const std::set own{getpriority(PRIO_PROCESS, 0)};
  std::thread([&] {
    work_in_background();
    EXPECT_EQ(priorities(), std::set{19});
  }).join();
  EXPECT_EQ(priorities(), own);
}

TEST(ParallelFor, RethrowsAndGoesOn) {
  const auto throw_at_seven = [](std::int64_t i) {
    if (i == 7) throw std::runtime_error("seven");
  };
  EXPECT_THROW(parallel_for(2, 100, throw_at_seven), std::runtime_error);
  std::atomic<int> runs = 0;
  parallel_for(2, 10, [&](std::int64_t) { ++runs; });
  EXPECT_EQ(runs, 10);
}

#ifndef __SANITIZE_THREAD__  // it dies when a process of several threads forks and goes on
TEST(ParallelFor, WorksInTheChildOfAFork) {
  std::atomic<int> runs = 0;
  parallel_for(2, 10, [&](std::int64_t) { ++runs; });
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    parallel_for(2, 10, [&](std::int64_t) { ++runs; });
    _exit(runs == 20 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}
#endif

}  // namespace
}  // namespace scatlight
