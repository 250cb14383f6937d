#pragma once

#include <optional>

#include "data/recipe.h"
#include "nets/network.h"
#include "train/evaluate.h"
#include "train/frozen.h"
#include "train/options.h"
#include "train/task.h"

namespace scatlight::train {

/// Image classification: cross entropy of a network on a folder of classes.
class ClassifierTask final : public Task {
 public:
  /// Makes the network; its first weights, and what it draws while it trains, follow from the seed.
  /// Throws Error where the members of the team see different data, and for a batch that is too small for
  /// them. Collective.
  ClassifierTask(const TrainOptions& options, const Team& team);

  const TrainingSet& training_set() const override { return training_set_; }
  std::int64_t batches() const override;
  std::int64_t images_from(std::int64_t batch) const override;
  NamedTensors parameters() const override { return trained(network_.parameters()); }
  NamedTensors buffers() const override { return untrained(network_.parameters(), network_.buffers()); }
  std::unique_ptr<Pass> begin_pass(std::int64_t epoch, std::int64_t first_batch,
                                   GradientAverage& average) override;
  void after_step() override;
  void check_skipped(const std::vector<data::SkippedFile>& skipped) const override;
  std::int64_t evaluation_images() const override;
  EvaluationLine evaluate(const OnImages& on_images) override;
  Json facts() const override;
  std::string evaluation_json(const RunFolder& folder) const override;
  void save_model(const std::filesystem::path& path) const override;

  nets::Network& network() { return network_; }
  const data::Recipe& recipe() const { return recipe_; }

  /// The last one, if there was one.
  const std::optional<Evaluation>& evaluation() const { return evaluation_; }

 private:
  TrainOptions options_;
  Team team_;
  TrainingSet training_set_;
  data::Recipe recipe_;
  nets::Network network_;
  std::optional<Evaluator> evaluator_;
  std::optional<Evaluation> evaluation_;
};

}  // namespace scatlight::train
