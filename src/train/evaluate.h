#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "data/folder.h"
#include "data/loader.h"
#include "data/recipe.h"
#include "nets/network.h"
#include "train/metrics.h"
#include "train/on_images.h"
#include "train/team.h"

namespace scatlight::train {

struct EvaluateOptions {
  std::int64_t batch = 64;  ///< Images at a time, of each member of a team.
  int threads = 0;          ///< That decode; 0 means one per core.
  bool skip_bad = false;
  std::int64_t max_pixels = data::default_max_pixels;  ///< Of an image; see LoaderOptions.
  std::int64_t cache_bytes = 0;  ///< Of main memory for maps that are kept from one evaluation to the next.
};

struct Evaluation {
  Metrics metrics;
  double seconds = 0;
  std::int64_t cached_images =
      0;  ///< Images whose maps were kept from an earlier evaluation: they say nothing about speed.
  std::vector<data::SkippedFile> skipped = {};
};

/// Measures networks on one data set, by the recipe for testing. The maps that a network's front end makes do
/// not change while it trains, unless it learns them, so the first `cache_bytes` of them are computed once;
/// use an evaluator for networks of the same front end only, and without a cache for one that learns.
class Evaluator {
 public:
  /// The folder and the recipe must outlive the evaluator. The members of a team share the images.
  Evaluator(const data::ImageFolder& folder, const data::Recipe& recipe, const EvaluateOptions& options,
            const Team& team = {});

  /// The network is left in evaluation mode. Each image counts once, and every member of a team has the whole
  /// evaluation. Throws Error for a bad file, unless they are skipped, for a network that gives numbers that
  /// are not finite, and when no image is left. Collective.
  Evaluation evaluate(nets::Network& network, const OnImages& on_images);

 private:
  struct Cached {
    at::Tensor maps;  ///< None of a batch without images.
    std::vector<std::int64_t> labels;
    std::int64_t planned = 0;  ///< See data::Batch.
  };

  data::LoaderOptions loader_options() const;
  bool has_room_for(const at::Tensor& maps) const;

  const data::ImageFolder& folder_;
  const data::Recipe& recipe_;
  EvaluateOptions options_;
  Team team_;
  std::vector<Cached> cache_;                      ///< The first batches.
  std::int64_t cached_bytes_ = 0;                  ///< Of their maps.
  std::int64_t first_uncached_ = 0;                ///< Number of the batch after them.
  std::vector<data::SkippedFile> cached_skipped_;  ///< Files left out of them.
};

/// What eval.json says beside the numbers.
struct EvaluationFacts {
  std::string weights;
  std::string data;
  std::string network;
  std::vector<std::string> classes;
  double held_out = 0;  ///< See data::ImageFolder.
};

/// The content of eval.json.
std::string evaluation_json(const Evaluation& evaluation, const EvaluationFacts& facts);

}  // namespace scatlight::train
