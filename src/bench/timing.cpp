#include "bench/timing.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scatlight/error.h"
#include "train/stopwatch.h"

namespace scatlight::bench {
namespace {

constexpr int most_warm_up_rounds = 15;
constexpr double settled = 0.02;
constexpr double most_calls = 1e6;  // in a round

void wait_for(const at::Device& device) {
  if (device.is_cpu()) return;
  c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

/// Seconds of a call, a mean.
double run_round(const Call& call, int count, const at::Device& device) {
  train::Stopwatch watch;
  wait_for(device);
  watch.start();
  for (int i = 0; i < count; ++i) call();
  wait_for(device);
  return std::max(watch.seconds() / count, 1e-9);
}

int calls_of_round(double call_seconds, const TimingOptions& options) {
  return static_cast<int>(std::clamp(std::ceil(options.round_seconds / call_seconds), 1.0, most_calls));
}

/// Returns how many calls a round has.
int warm_up(const Call& call, const TimingOptions& options, const at::Device& device) {
  train::Stopwatch watch;
  watch.start();
  double last = run_round(call, 1, device);
  for (bool is_settled = false;
       !is_settled && watch.seconds() < most_warm_up_rounds * options.round_seconds;) {
    const double seconds = run_round(call, calls_of_round(last, options), device);
    is_settled = std::abs(seconds - last) < settled * last;
    last = seconds;
  }
  return calls_of_round(last, options);
}

Times summary(std::vector<double> seconds) {
  std::ranges::sort(seconds);
  const auto middle = seconds.size() / 2;
  const double median =
      seconds.size() % 2 == 1 ? seconds[middle] : (seconds[middle - 1] + seconds[middle]) / 2;
  return {.median = median, .least = seconds.front(), .largest = seconds.back()};
}

}  // namespace

void check(const TimingOptions& options) {
  if (options.rounds < 1 || options.rounds > 10'000)
    throw Error(fmt::format("rounds {}: 1 to 10000 is accepted", options.rounds));
  if (!(options.round_seconds > 0 && options.round_seconds <= 3600))
    throw Error(
        fmt::format("seconds of a round {}: above 0 and up to 3600 is accepted", options.round_seconds));
}

std::vector<Times> time_in_turn(std::span<const Call> calls, const TimingOptions& options,
                                const at::Device& device, const std::function<void()>& on_round) {
  check(options);
  std::vector<int> counts;
  counts.reserve(calls.size());
  for (const auto& call : calls) {
    counts.push_back(warm_up(call, options, device));
    on_round();
  }
  std::vector<std::vector<double>> seconds(calls.size());
  for (int round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      seconds[i].push_back(run_round(calls[i], counts[i], device));
      on_round();
    }
  }
  std::vector<Times> times;
  times.reserve(seconds.size());
  for (auto& of_call : seconds) times.push_back(summary(std::move(of_call)));
  return times;
}

}  // namespace scatlight::bench
