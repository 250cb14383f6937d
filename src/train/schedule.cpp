#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scatlight::train {

namespace {

/// From one number to another along half a cosine wave.
double along_wave(double from, double to, double share) {
  return to + (from - to) * (1 + std::cos(std::numbers::pi * share)) / 2;
}

/// In units of the full rate.
double one_cycle(double progress, double rise) {
  constexpr double first = 1.0 / 25;
  constexpr double last = first / 1e4;
  if (progress < rise) return along_wave(first, 1, progress / rise);
  return along_wave(1, last, (progress - rise) / (1 - rise));
}

}  // namespace

double learning_rate_at(const Schedule& schedule, double progress) {
  progress = std::clamp(progress, 0.0, 1.0);
  if (schedule.kind == ScheduleKind::OneCycle)
    return schedule.learning_rate * one_cycle(progress, schedule.warmup);
  if (progress < schedule.warmup) return schedule.learning_rate * progress / schedule.warmup;
  if (schedule.kind == ScheduleKind::Cosine) {
    const double share = (progress - schedule.warmup) / (1 - schedule.warmup);
    return schedule.learning_rate * (1 + std::cos(std::numbers::pi * share)) / 2;
  }
  // The drop belongs to the first step at or after its share, also where 30 / 90 is rounded down.
  const double rounding = 1e-9;
  const auto is_over = [&](double drop) { return progress + rounding >= drop; };
  return schedule.learning_rate * std::pow(0.1, std::ranges::count_if(schedule.drops, is_over));
}

}  // namespace scatlight::train
