#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "data/recipe.h"
#include "nets/network.h"
#include "train/evaluate.h"
#include "train/run_folder.h"
#include "train/schedule.h"
#include "train/sgd.h"

namespace scatlight::train {

/// A training. The defaults are the paper's recipe (section 3).
struct TrainOptions {
  std::filesystem::path train_data;  ///< See data/folder.h.
  std::filesystem::path val_data;    ///< Empty: no evaluation.
  std::filesystem::path run;         ///< The run folder.
  RunMode mode = RunMode::New;
  std::string flags = "{}";  ///< What the user asked for, a JSON object for run.json and the checkpoint.

  nets::NetworkOptions network;  ///< `classes` is taken from the data, height and width from the recipe.
  data::RecipeOptions recipe = {};
  bool augment = true;  ///< Random crops and flips; else the recipe for testing.

  std::int64_t epochs = 90;  ///< Length of the training, unless `seconds` is given.
  double seconds = 0;        ///< Length of the training in seconds, evaluations left out; 0: `epochs` counts.
  std::int64_t batch =
      256;  ///< Images of a step. A last batch that is smaller is left out, unless it is the only.
  std::int64_t micro_batch = 0;  ///< Images that are in memory as activations at a time; 0: the whole batch.
  Schedule schedule = {};
  SgdOptions sgd = {};
  double label_smoothing = 0;

  std::uint64_t seed = 0;
  at::Device device = at::kCPU;  ///< Of the network; all that is random is the CPU's.
  int threads = 0;               ///< 0 means one for each core.
  bool skip_bad = false;
  std::int64_t eval_every = 1;      ///< Epochs between evaluations; the last one is always there.
  double checkpoint_seconds = 300;  ///< Between checkpoints within an epoch; one is written after each epoch.
  std::int64_t cache_bytes = 0;     ///< Of memory for the maps of the validation images.
};

struct TrainResult {
  bool finished = false;  ///< False when it was stopped; it can be resumed.
  std::int64_t epochs = 0;
  std::int64_t steps = 0;
  double seconds = 0;                    ///< Of training.
  std::optional<Evaluation> evaluation;  ///< The last one, of a training that finished with validation data.
  std::vector<data::SkippedFile>
      skipped;  ///< Training files that were left out since the start or the resume.
};

/// Throws Error for numbers that are out of range. train() does it too; a command line can tell the user
/// earlier.
void check(const TrainOptions& options);

/// Trains a network and writes the run folder: run.json, log.jsonl, checkpoint.safetensors, model.safetensors
/// and, with validation data, eval.json. Everything that can be checked is checked before the folder is
/// touched. A training that is resumed gives the same bits as one that was never interrupted, on the same
/// machine's CPU with the same number of threads, when its length is given in epochs; it may be resumed on
/// another device. `stop` is asked after every
/// step; once it is true, the state is written and training returns. Throws Error for unusable options, data
/// and files, and when training diverges (the loss is no longer finite); the last checkpoint stays.
TrainResult train(const TrainOptions& options, const std::function<bool()>& stop);

}  // namespace scatlight::train
