#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <vector>

namespace scatlight::bench {

/// What a call takes, in seconds: over rounds, of which each gives the mean of its calls.
struct Times {
  double median = 0;
  double least = 0;
  double largest = 0;
};

struct TimingOptions {
  int rounds = 15;
  double round_seconds = 0.2;  ///< A round is as many calls as take so long, at least one.
};

/// Throws Error for numbers that are out of range.
void check(const TimingOptions& options);

using Call = std::function<void()>;

/// Times calls that are compared. In each round they take turns, so that a machine that slows down slows all
/// of them. Before, each is warmed up: until two of its rounds in a row differ by less than 2 %, or 15
/// rounds' time has passed. A GPU is waited for before and after each round. `on_round` is called after each
/// warm-up and each round of a call; to end the work early it throws.
std::vector<Times> time_in_turn(std::span<const Call> calls, const TimingOptions& options,
                                const at::Device& device, const std::function<void()>& on_round);

}  // namespace scatlight::bench
