#include "train/schedule.h"

#include <gtest/gtest.h>

namespace scatlight::train {
namespace {

TEST(Schedule, StepDividesByTenAfterEachThirdOfAnyNumberOfEpochs) {
  const Schedule schedule{.kind = ScheduleKind::Step, .learning_rate = 0.1};
  for (const int epochs : {3, 30, 33, 90, 99}) {
    for (int epoch = 0; epoch < epochs; ++epoch) {
      const double expected = epoch < epochs / 3 ? 0.1 : epoch < 2 * epochs / 3 ? 0.01 : 0.001;
      EXPECT_DOUBLE_EQ(learning_rate_at(schedule, static_cast<double>(epoch) / epochs), expected)
          << "epoch " << epoch << " of " << epochs;
    }
  }
  EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 1), 0.001);
}

TEST(Schedule, StepDropsWhereItIsTold) {
  const Schedule schedule{.kind = ScheduleKind::Step, .learning_rate = 1, .drops = {8.0 / 12, 10.0 / 12}};
  for (int epoch = 0; epoch < 12; ++epoch) {
    const double expected = epoch < 8 ? 1 : epoch < 10 ? 0.1 : 0.01;
    EXPECT_DOUBLE_EQ(learning_rate_at(schedule, epoch / 12.0), expected) << epoch;
  }
  EXPECT_EQ(learning_rate_at({.kind = ScheduleKind::Step, .learning_rate = 1, .drops = {}}, 1), 1);
}

TEST(Schedule, CosineFallsFromTheFullRateToZero) {
  const Schedule schedule{.kind = ScheduleKind::Cosine, .learning_rate = 0.4};
  EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 0), 0.4);
  EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 0.5), 0.2);
  EXPECT_NEAR(learning_rate_at(schedule, 0.25), 0.4 * 0.853553, 1e-6);
  EXPECT_NEAR(learning_rate_at(schedule, 1), 0, 1e-15);
}

TEST(Schedule, WarmupGrowsLinearlyAndHandsOverWithoutAJump) {
  for (const auto kind : {ScheduleKind::Step, ScheduleKind::Cosine}) {
    const Schedule schedule{.kind = kind, .learning_rate = 0.2, .warmup = 0.1};
    EXPECT_EQ(learning_rate_at(schedule, 0), 0);
    EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 0.05), 0.1);
    EXPECT_NEAR(learning_rate_at(schedule, 0.1 - 1e-9), 0.2, 1e-6);
    EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 0.1), 0.2);
  }
  const Schedule cosine{.kind = ScheduleKind::Cosine, .learning_rate = 0.2, .warmup = 0.1};
  EXPECT_NEAR(learning_rate_at(cosine, 0.55), 0.1, 1e-12) << "the wave fills what the warm-up leaves";
}

// Steps 0, 50, 99, 200, 300, 399 of OneCycleLR(max_lr=0.4, total_steps=400, pct_start=0.25), which rises for
// 99 steps and falls for 300.
TEST(Schedule, OneCycleIsTheOneOfTorch) {
  const Schedule schedule{.kind = ScheduleKind::OneCycle, .learning_rate = 0.4, .warmup = 0.25};
  const std::pair<double, double> rates[] = {{0, 0.016},         {50, 0.211046265056},   {99, 0.4},
                                             {200, 0.298181158}, {300, 0.0981929240831}, {399, 1.6e-06}};
  for (const auto& [step, rate] : rates) {
    const double progress = step < 99 ? 0.25 * step / 99 : 0.25 + 0.75 * (step - 99) / 300;
    EXPECT_NEAR(learning_rate_at(schedule, progress), rate, 1e-9) << step;
  }
  EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 1), 0.4 / 25 / 1e4);
}

TEST(Schedule, StaysAtItsEndsOutsideTheTraining) {
  // A time budget is only noticed after the step that used it up.
  const Schedule schedule{.kind = ScheduleKind::Cosine, .learning_rate = 0.4};
  EXPECT_EQ(learning_rate_at(schedule, 1.01), learning_rate_at(schedule, 1));
}

}  // namespace
}  // namespace scatlight::train
