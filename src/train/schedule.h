#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "scatlight/names.h"

namespace scatlight::train {

enum class ScheduleKind {
  Step,    ///< Divided by 10 at each drop.
  Cosine,  ///< From the full rate to 0 along half a wave.
  /// From a 25th of the full rate up to it, and down to a 250,000th of it, each along half a wave: the policy
  /// of Smith and Topin, "Super-convergence" (2018), as torch.optim.lr_scheduler.OneCycleLR has it, with a
  /// constant momentum. `warmup` is the share of the way up.
  OneCycle,
};

/// The learning rate over a training. The training's length is 1, whether it is measured in epochs or in
/// seconds, so a schedule fits a budget of either kind.
///
///   Step:   ___                 Cosine with warm-up:    /-_
///              |____                                   /   \         .
///                   |____                             /     -_
///   0     1/3   2/3     1                             0 w      1
struct Schedule {
  ScheduleKind kind = ScheduleKind::Step;
  double learning_rate = 0.1;  ///< The full rate.
  /// Share of the training in which the rate grows, linearly from 0 except in one cycle; below 1.
  double warmup = 0;
  /// For Step, in growing order: shares of the training after which the rate is divided by 10. The
  /// thirds are the paper's "every 30 of 90 epochs".
  std::vector<double> drops = {1.0 / 3, 2.0 / 3};
};

/// The rate at `progress`, from 0 (the start) to 1 (the end).
double learning_rate_at(const Schedule& schedule, double progress);

}  // namespace scatlight::train

namespace scatlight {

template <>
struct Names<train::ScheduleKind> {
  static constexpr std::string_view what = "schedule";
  static constexpr std::array<std::string_view, 3> all = {"step", "cosine", "onecycle"};
};

}  // namespace scatlight
