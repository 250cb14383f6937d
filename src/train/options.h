#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/folder.h"
#include "data/recipe.h"
#include "nets/network.h"
#include "train/loop.h"
#include "train/mix.h"

namespace scatlight::train {

/// A training. The defaults are the paper's recipe (section 3).
struct TrainOptions {
  data::ImageFolder train_data = {};          ///< See list_train_data().
  std::optional<data::ImageFolder> val_data;  ///< Of the same classes; without, nothing is evaluated.
  LoopOptions loop = {};

  nets::NetworkOptions network;  ///< `classes` is taken from the data, height and width from the recipe.
  std::filesystem::path
      weights;      ///< First weights, of the same network with any number of classes; empty: random ones.
  int frozen = -1;  ///< Groups of layers that are not trained: see nets::first_trained().
  data::RecipeOptions recipe = {};
  bool augment = true;  ///< Random crops and flips; else the recipe for testing.
  MixOptions mix = {};

  std::int64_t batch = 256;      ///< Images of a step at most; see LoaderOptions::batch_size.
  std::int64_t micro_batch = 0;  ///< Images that are in memory as activations at a time; 0: the whole batch.
  double label_smoothing = 0;
  double ridge = 0;  ///< Penalty of a linear network that is solved directly: see RidgeTask; 0: it learns.
  /// By label: how often an image of the class counts in the loss. Empty: once.
  std::vector<double> class_weights = {};

  std::uint64_t seed = 0;
  torch_ops::Placement placement = {};  ///< Of the network; all that is random is the CPU's.
  int threads = 0;                      ///< 0 means one per core.
  bool skip_bad = false;
  std::int64_t max_pixels = data::default_max_pixels;  ///< Of an image; see LoaderOptions.
  std::int64_t cache_bytes = 0;                        ///< Of memory for the maps of the validation images.
};

/// Lists what a classifier can be trained on: at least two classes, whose names are UTF-8. Throws Error.
data::ImageFolder list_train_data(const std::filesystem::path& root);

/// Class weights under which all classes count alike, and an image once on average.
std::vector<double> balanced_weights(const data::ImageFolder& folder);

/// The options of the network that is trained.
nets::NetworkOptions network_options(const TrainOptions& options);

/// Throws Error for numbers that are out of range. train() does it too; a command line can inform the user
/// earlier. The data need not be listed yet.
void check(const TrainOptions& options);

}  // namespace scatlight::train
