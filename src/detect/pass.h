#pragma once

#include "data/box_loader.h"
#include "detect/detector.h"
#include "detect/options.h"
#include "train/map_stream.h"
#include "train/task.h"

namespace scatlight::detect {

/// How the gradient of a batch is computed.
struct PassOptions {
  std::int64_t micro_batch = 1;  ///< Images that are in memory as activations at a time.
  std::uint64_t seed = 0;        ///< Of the anchors and proposals that are sampled.
};

/// One pass of a detector over its training images.
class DetectorPass final : public train::Pass {
 public:
  /// All must outlive the pass.
  DetectorPass(Detector& detector, const DetectorOptions& detector_options, const data::BoxFolder& folder,
               const data::BoxRecipe& recipe, const data::LoaderOptions& loader_options,
               const PassOptions& options, const train::Team& team, train::GradientAverage& average);

  std::optional<train::StepLoss> backward() override;
  std::vector<data::SkippedFile> finish() override;

 private:
  using Stream = train::MapStream<data::BoxBatch>;

  /// Adds the gradient of the loss of some of the member's images, of which each has this share in the mean,
  /// and adds to the means.
  void backward(const Stream::Mapped& mapped, std::int64_t first, std::int64_t count, double share);

  /// Throws Error, which names the pictures, for a loss that is not finite.
  [[noreturn]] void fail_diverged(const data::BoxBatch& batch, std::int64_t first, std::int64_t count) const;

  Detector& detector_;
  const DetectorOptions& detector_options_;
  const data::BoxFolder& folder_;
  std::uint64_t epoch_;
  PassOptions options_;
  const train::Team& team_;
  train::GradientAverage& average_;
  bool skip_bad_;
  data::BoxLoader loader_;
  std::optional<Stream> stream_;

  // Means over the images of a step, as far as the member's images add to them.
  struct Means {
    double objectness = 0;
    double rpn_box = 0;
    double label = 0;
    double box = 0;
    double positive_anchors = 0;
    double positive_rois = 0;
  };
  Means means_;
};

}  // namespace scatlight::detect
