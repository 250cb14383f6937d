#pragma once

#include <optional>

#include "detect/detector.h"
#include "detect/evaluate.h"
#include "detect/pass.h"
#include "detect/train_options.h"
#include "train/task.h"

namespace scatlight::detect {

/// Detection of objects: the four losses of Faster R-CNN on pictures with boxes.
class DetectorTask final : public train::Task {
 public:
  /// Makes the detector; its first weights, and all that is drawn in training, follow from the seed.
  /// Throws Error where the members of the team see different data, and for a batch that is too small for
  /// them. Collective.
  DetectorTask(const DetectorTrainOptions& options, const train::Team& team);

  const train::TrainingSet& training_set() const override { return training_set_; }
  std::int64_t batches() const override { return std::ssize(batch_sizes_); }
  std::int64_t images_from(std::int64_t batch) const override;
  train::NamedTensors parameters() const override;
  train::NamedTensors buffers() const override;
  std::unique_ptr<train::Pass> begin_pass(std::int64_t epoch, std::int64_t first_batch,
                                          train::GradientAverage& average) override;
  void check_skipped(const std::vector<data::SkippedFile>& skipped) const override;
  std::int64_t evaluation_images() const override;
  train::EvaluationLine evaluate(const train::OnImages& on_images) override;
  train::Json facts() const override;
  std::string evaluation_json(const train::RunFolder& folder) const override;
  void save_model(const std::filesystem::path& path) const override;

  /// The last one, if there was one.
  const std::optional<Evaluation>& evaluation() const { return evaluation_; }

 private:
  DetectorTrainOptions options_;
  train::Team team_;
  train::TrainingSet training_set_;
  std::vector<std::int64_t> batch_sizes_;
  data::BoxRecipe recipe_;
  Detector detector_;
  DetectorFacts facts_;
  std::optional<Evaluation> evaluation_;
};

struct DetectorTrainResult {
  train::LoopResult loop;
  std::optional<Evaluation> evaluation;  ///< The last one, of a training that finished with validation data.
};

/// Trains a detector as train::run_training() does. Everything that can be checked is checked before the run
/// folder is touched. Throws Error for unusable options as well.
DetectorTrainResult train_detector(const DetectorTrainOptions& options, const std::function<bool()>& stop,
                                   const train::Team& team = {});

}  // namespace scatlight::detect
