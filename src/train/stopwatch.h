#pragma once

#include <chrono>
#include <optional>

namespace scatlight::train {

/// Seconds that pass between start() and stop(), added up.
class Stopwatch {
 public:
  explicit Stopwatch(double seconds = 0) : seconds_(seconds) {}

  void start() { started_ = Clock::now(); }
  void stop() {
    seconds_ = seconds();
    started_.reset();
  }
  double seconds() const {
    return seconds_ + (started_ ? std::chrono::duration<double>(Clock::now() - *started_).count() : 0);
  }

 private:
  using Clock = std::chrono::steady_clock;
  double seconds_;
  std::optional<Clock::time_point> started_ = std::nullopt;
};

}  // namespace scatlight::train
