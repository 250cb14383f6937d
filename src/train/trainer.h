#pragma once

#include <functional>
#include <optional>

#include "train/evaluate.h"
#include "train/loop.h"
#include "train/options.h"
#include "train/team.h"

namespace scatlight::train {

struct TrainResult {
  LoopResult loop;
  std::optional<Evaluation> evaluation;  ///< The last one, of a training that finished with validation data.
};

/// Trains a classifier as run_training() does. Everything that can be checked is checked before the run
/// folder is touched. Throws Error for unusable options as well.
TrainResult train(const TrainOptions& options, const std::function<bool()>& stop, const Team& team = {});

}  // namespace scatlight::train
