#pragma once

#include <ATen/core/Tensor.h>

#include "train/classifier_task.h"
#include "train/task.h"

namespace scatlight::train {

/// An affine layer: scores = weight x + bias.
struct AffineLayer {
  at::Tensor weight;  ///< (classes, D) float32
  at::Tensor bias;    ///< (classes)
};

/// Ridge regression of the targets 1 (an image's own class) and -1 (the others) on features (N, D) float32:
/// the layer with the least sum of squared errors + penalty |weight|^2, the bias free. It is scikit-learn's
/// RidgeClassifier(alpha=penalty). Solved in float64 by Cholesky's decomposition of the smaller Gram matrix,
/// of the features or of the images.
///   labels: (N) int64, 0 ... classes - 1
AffineLayer solve_ridge(const at::Tensor& features, const at::Tensor& labels, std::int64_t classes,
                        double penalty);

/// A linear network whose one layer is solved in one step in place of many: the training has one pass of one
/// batch, all images as they are prepared for testing. What is evaluated and saved, and where, is the
/// classifier's.
class RidgeTask final : public Task {
 public:
  /// The classifier outlives it; its layer becomes 0. Throws Error where its network has other parameters,
  /// and where memory does not suffice for all features.
  RidgeTask(ClassifierTask& classifier, const TrainOptions& options);

  const TrainingSet& training_set() const override { return classifier_.training_set(); }
  std::int64_t batches() const override { return 1; }
  std::int64_t images_from(std::int64_t batch) const override;
  NamedTensors parameters() const override { return classifier_.parameters(); }
  NamedTensors buffers() const override { return classifier_.buffers(); }
  std::unique_ptr<Pass> begin_pass(std::int64_t epoch, std::int64_t first_batch,
                                   GradientAverage& average) override;
  void check_skipped(const std::vector<data::SkippedFile>& skipped) const override {
    classifier_.check_skipped(skipped);
  }
  std::int64_t evaluation_images() const override { return classifier_.evaluation_images(); }
  EvaluationLine evaluate(const OnImages& on_images) override { return classifier_.evaluate(on_images); }
  Json facts() const override { return classifier_.facts(); }
  std::string evaluation_json(const RunFolder& folder) const override {
    return classifier_.evaluation_json(folder);
  }
  void save_model(const std::filesystem::path& path) const override { classifier_.save_model(path); }

 private:
  ClassifierTask& classifier_;
  const TrainOptions& options_;
};

/// How the loop makes the step: SGD of rate 1 without all else, so that it ends where the gradient points.
LoopOptions steps_of_ridge(LoopOptions options);

}  // namespace scatlight::train
