#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "train/evaluate.h"
#include "train/options.h"

namespace scatlight::train {

struct TrainResult {
  bool finished = false;  ///< False when it was stopped; it can be resumed.
  std::int64_t epochs = 0;
  std::int64_t steps = 0;
  double seconds = 0;                    ///< Of training.
  std::optional<Evaluation> evaluation;  ///< The last one, of a training that finished with validation data.
  std::vector<data::SkippedFile>
      skipped;  ///< Training files that were left out since the start or the resume.
};

/// Trains a network and writes the run folder: run.json, log.jsonl, checkpoint.safetensors, model.safetensors
/// and, with validation data, eval.json. Everything that can be checked is checked before the folder is
/// touched, and a run that is overwritten stays whole until the new one has its first checkpoint. A training
/// that is resumed gives the same bits as one that was never interrupted, on the same machine's CPU with the
/// same number of threads, when its length is given in epochs; it may be resumed on another device. `stop` is
/// asked after every step; once it is true, the state is written and training returns. Throws Error for
/// unusable options, data and files, and when training diverges (the loss is no longer finite); the last
/// checkpoint stays.
TrainResult train(const TrainOptions& options, const std::function<bool()>& stop);

}  // namespace scatlight::train
