#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scatlight::train {

double learning_rate_at(const Schedule& schedule, double progress) {
  progress = std::clamp(progress, 0.0, 1.0);
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
