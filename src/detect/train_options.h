#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>

#include "data/box_recipe.h"
#include "data/objects.h"
#include "detect/detector.h"
#include "detect/options.h"
#include "train/loop.h"

namespace scatlight::detect {

/// A training of a detector. The defaults are the paper's recipe for VOC (section 3.2), but for the length.
struct DetectorTrainOptions {
  data::BoxFolder train_data = {};
  std::optional<data::BoxFolder> val_data = {};  ///< Of the same classes; without, nothing is evaluated.
  train::LoopOptions loop = {};

  DetectorNetworkOptions network = {};  ///< `classes` and `anchors` follow from the data and the detector.
  DetectorOptions detector = {};
  Frozen frozen = {};
  std::filesystem::path weights = {};  ///< See load_first_weights(); empty: random ones.
  data::BoxRecipeOptions recipe = {};

  std::int64_t batch = 1;        ///< Images of a step at most.
  std::int64_t micro_batch = 0;  ///< Images that are in memory as activations at a time; 0: the whole batch.
  std::uint64_t seed = 0;
  torch_ops::Placement placement = {};
  int threads = 0;  ///< 0 means one per core.
  bool skip_bad = false;
  std::int64_t max_pixels = data::default_max_pixels;  ///< Of an image; see LoaderOptions.
};

/// The options of the network that is trained.
DetectorNetworkOptions network_options(const DetectorTrainOptions& options);

/// Throws Error for numbers that are out of range. The data need not be listed yet.
void check(const DetectorTrainOptions& options);

}  // namespace scatlight::detect
