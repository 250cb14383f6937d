#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/loader.h"
#include "train/checkpoint.h"
#include "train/gradient_average.h"
#include "train/json.h"
#include "train/on_images.h"
#include "train/run_folder.h"

namespace scatlight::train {

/// The images as a loop knows them.
struct TrainingSet {
  std::filesystem::path root = {};  ///< For messages.
  std::vector<std::string> classes = {};
  std::int64_t samples = 0;
  std::string fingerprint = {};  ///< Of the files; other ones are other data.
  std::string evaluation = {};   ///< The same of the images for evaluation; empty without.
};

/// What one step found.
struct StepLoss {
  std::int64_t batch = 0;   ///< Its number in the pass.
  std::int64_t images = 0;  ///< Of all members of the team.
  double loss = 0;          ///< What this member's images add to the mean over all of them.
  /// Other means over the images, by name, for the log: parts of the loss, counts.
  std::vector<std::pair<std::string, double>> means = {};
  double waited = 0;  ///< Seconds for which this member waited for its images.
};

/// One pass over the training images, from some batch on; batches are prepared ahead of the steps. A team's
/// members make it together, each with its part of every batch.
class Pass {
 public:
  virtual ~Pass() = default;

  /// Leaves the gradient of the next batch's mean loss in the parameters, of all members' images; nothing
  /// after the last batch. Throws Diverged if it sees that numbers are no longer finite. Collective.
  virtual std::optional<StepLoss> backward() = 0;

  /// Ends the pass, wherever it is. Returns the files that this member could not read so far.
  virtual std::vector<data::SkippedFile> finish() = 0;
};

/// An evaluation, for the log and the progress bar.
struct EvaluationLine {
  Json numbers = {};
  std::string note = {};
  double score = 0;  ///< What the best model is chosen by: the higher, the better.
};

/// What is trained: a network, its images and its loss. run_training() (train/loop.h) asks it for gradients
/// and does the rest.
class Task {
 public:
  virtual ~Task() = default;

  virtual const TrainingSet& training_set() const = 0;

  /// Batches of a pass, and the images of those from one on.
  virtual std::int64_t batches() const = 0;
  virtual std::int64_t images_from(std::int64_t batch) const = 0;

  /// The tensors that take steps. They share the network's memory.
  virtual NamedTensors parameters() const = 0;

  /// The network's other tensors, which its weights have too: statistics of batch norms, frozen parameters.
  /// They share its memory.
  virtual NamedTensors buffers() const = 0;

  /// `average` is of parameters(), and outlives the pass.
  virtual std::unique_ptr<Pass> begin_pass(std::int64_t epoch, std::int64_t first_batch,
                                           GradientAverage& average) = 0;

  /// After each step of the optimizer: puts right what its arithmetic does not know. Throws Diverged if
  /// parameters are no longer finite.
  virtual void after_step() {}

  /// Throws Error where a whole pass that left files out has nothing of a class. They are those of all
  /// members, named by name_from_root().
  virtual void check_skipped(const std::vector<data::SkippedFile>& skipped) const = 0;

  /// How many images are evaluated; 0: evaluate() is not called.
  virtual std::int64_t evaluation_images() const = 0;

  /// Measures the network on them. Collective, and so is `on_images`.
  virtual EvaluationLine evaluate(const OnImages& on_images) = 0;

  /// What run.json says of the training and, after evaluate(), the contents of eval.json.
  virtual Json facts() const = 0;
  virtual std::string evaluation_json(const RunFolder& folder) const = 0;
  virtual void save_model(const std::filesystem::path& path) const = 0;
};

}  // namespace scatlight::train
