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
  // The drop belongs to the first step at or after the third, also where 30 / 90 is rounded down.
  const double rounding = 1e-9;
  const double thirds = std::min(std::floor(3 * progress + rounding), 2.0);
  return schedule.learning_rate * std::pow(0.1, thirds);
}

}  // namespace scatlight::train
