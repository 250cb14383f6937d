#include "bench/timing.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/expect_error.h"

namespace scatlight::bench {
namespace {

constexpr TimingOptions quick = {.rounds = 3, .round_seconds = 0.002};

Call sleep_for(double seconds) {
  return [seconds] { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); };
}

std::vector<Times> time(const std::vector<Call>& calls, const TimingOptions& options = quick) {
  return time_in_turn(calls, options, at::kCPU, [] {});
}

TEST(Timing, SecondsAreThoseOfACall) {
  const auto times = time({sleep_for(0.001), sleep_for(0.005)});
  ASSERT_EQ(times.size(), 2U);
  EXPECT_GE(times[0].least, 0.001);
  EXPECT_GE(times[1].least, 0.005);
  for (const auto& one : times) {
    EXPECT_LE(one.least, one.median);
    EXPECT_LE(one.median, one.largest);
  }
}

TEST(Timing, CallsTakeTurnsInEachRound) {
  std::string order;
  const auto note = [&](char name) {
    return [&order, name] {
      order += name;
      sleep_for(0.003)();
    };
  };
  int rounds = 0;
  time_in_turn(std::vector<Call>{note('a'), note('b')}, {.rounds = 3, .round_seconds = 0.002}, at::kCPU,
               [&] { ++rounds; });
  EXPECT_EQ(rounds, 2 * (3 + 1)) << "with the warm-up of each";
  EXPECT_TRUE(order.ends_with("ababab")) << order;
}

TEST(Timing, ARoundHasAsManyCallsAsItsTimeTakes) {
  int calls = 0;
  const auto count = [&] {
    ++calls;
    sleep_for(0.001)();
  };
  time({count}, {.rounds = 1, .round_seconds = 0.02});
  EXPECT_GE(calls, 1 + 10 + 10) << "the first call, a round of the warm-up, a round";
}

TEST(Timing, EndsWhereTheCallbackThrows) {
  const auto stop = [] { throw std::runtime_error("stop"); };
  EXPECT_THROW(time_in_turn(std::vector<Call>{sleep_for(0.001)}, quick, at::kCPU, stop), std::runtime_error);
}

TEST(Timing, RefusesOptionsOutOfRange) {
  test::expect_error([] { check(TimingOptions{.rounds = 0}); }, "rounds 0");
  test::expect_error([] { check(TimingOptions{.round_seconds = 0}); }, "seconds of a round 0");
}

}  // namespace
}  // namespace scatlight::bench
