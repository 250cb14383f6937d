#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/loader.h"
#include "train/checkpoint.h"
#include "train/optimizer.h"
#include "train/run_record.h"
#include "train/schedule.h"
#include "train/task.h"
#include "train/team.h"

namespace scatlight::train {

/// The length and the course of a training, whatever is trained.
struct LoopOptions {
  std::filesystem::path run = {};  ///< The run folder.
  RunMode mode = RunMode::New;
  std::string flags = "{}";  ///< What the user asked for, a JSON object for run.json and the checkpoint.
  std::string call_id = {};  ///< What a call of torchrun is known by, for run.json; empty: by nothing.
  bool accept_changed_data = false;  ///< Resume although the training files are not what they were.
  /// Resume with another length than the run has, which may be over. It becomes the run's, as do `flags`.
  bool other_length = false;

  std::int64_t epochs = 90;  ///< Length of the training, unless `seconds` is given.
  double seconds = 0;        ///< Length of the training in seconds, evaluations left out; 0: `epochs` counts.
  Schedule schedule = {};
  OptimizerOptions optimizer = {};
  double weight_average =
      0;  ///< Decay of the average that is evaluated and saved: see WeightAverage; 0: none.
  std::int64_t eval_every = 1;  ///< Epochs between evaluations; the last one is always there.
  std::int64_t patience = 0;    ///< Ends after this many evaluations in a row that were no better; 0: never.
  double checkpoint_seconds = 300;  ///< Between checkpoints within an epoch; one is written after each epoch.
};

/// Throws Error for numbers that are out of range.
void check(const LoopOptions& options);

struct LoopResult {
  bool finished = false;  ///< False when it was stopped; it can be resumed.
  std::int64_t epochs = 0;
  std::int64_t steps = 0;
  double seconds = 0;  ///< Of training.
  std::optional<BestEvaluation> best = {};
  /// Training files that were left out since the start or the resume, named from the data's root on.
  std::vector<data::SkippedFile> skipped = {};
};

/// Trains and writes the run folder: run.json, log.jsonl, checkpoint.safetensors, model.safetensors and, with
/// images to evaluate, eval.json, and best.safetensors, the model of the best evaluation. A run that is
/// overwritten stays whole until the new one has its first checkpoint. A training that is resumed gives the
/// same bits as one that was never interrupted, on the same machine's CPU with the same number of threads,
/// when its length is given in epochs; it may be resumed on another device. A resume with another length goes
/// on at the learning rate that the schedule has there, so it is no training of that length from the start.
/// `stop` is asked after every step; once it is true, the state is written and training returns. Throws Error
/// for unusable data and files, and when training diverges (the loss is no longer finite); the last
/// checkpoint stays.
///
/// The members of a team call it together, with the same options. Each step is that of a single process with
/// all their images, except for batch norms, which see the images of their own member; those of the leading
/// one are evaluated and saved. A stop that one member is asked for all make after the same step. A resume
/// may have another number of members; its bits are equal with the same number.
LoopResult run_training(RunRecord& record, const LoopOptions& options, Task& task,
                        const std::function<bool()>& stop, const Team& team);

}  // namespace scatlight::train
