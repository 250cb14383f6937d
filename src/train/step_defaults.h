#pragma once

#include <cstdint>

#include "train/schedule.h"

namespace scatlight::train {

/// How a training takes its steps where the user does not say.
struct StepDefaults {
  std::int64_t batch = 256;
  Schedule schedule = {};
};

/// The paper's, for ImageNet (section 3): batches of 256, rate 0.1, divided by 10 after each third.
StepDefaults paper_defaults();

/// The defaults for this many training images. A small set in batches of 256 has too few steps to learn from;
/// a cosine needs no length that is known to be enough. From half a million images on, the paper's.
StepDefaults defaults_for(std::int64_t images);

}  // namespace scatlight::train
