#include "train/step_defaults.h"

namespace scatlight::train {

StepDefaults paper_defaults() { return {}; }

StepDefaults defaults_for(std::int64_t images) {
  if (images >= 500'000) return paper_defaults();
  const std::int64_t batch = images < 20'000 ? 32 : images < 100'000 ? 64 : 128;
  return {.batch = batch,
          .schedule = {.kind = ScheduleKind::Cosine,
                       .learning_rate = 0.05 * static_cast<double>(batch) / 32,
                       .warmup = 0.05}};
}

}  // namespace scatlight::train
