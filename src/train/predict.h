#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "train/evaluate.h"
#include "train/model.h"
#include "train/team.h"

namespace scatlight::train {

struct PredictOptions {
  std::int64_t top = 5;  ///< Classes named for each image; fewer where there are fewer classes.
  std::int64_t batch = 32;
  int threads = 0;  ///< That decode; 0 means one per core.
  bool skip_bad = false;
  std::int64_t max_pixels = data::default_max_pixels;  ///< Of an image; see LoaderOptions.
};

struct Prediction {
  std::int64_t label = 0;  ///< Index into the model's classes.
  double probability = 0;
};

struct PredictedImage {
  std::filesystem::path file;
  std::vector<Prediction> predictions;  ///< Most probable first.
};

struct Predictions {
  std::vector<PredictedImage> images;  ///< In the order of the files given.
  std::vector<data::SkippedFile> skipped;
};

/// Classifies image files by the recipe for testing. Throws Error for a bad file unless they are skipped.
Predictions predict(Model& model, const std::vector<std::filesystem::path>& files,
                    const PredictOptions& options, const OnImages& on_images);

/// What the members of a team predicted, each for its own files, in the order of their ranks. Collective.
Predictions predictions_of_team(const Predictions& own, const Team& team);

/// The content of predict.json, and the same as CSV with a line for each class that is named of an image.
std::string predictions_json(const Predictions& predictions, const Model& model);
std::string predictions_csv(const Predictions& predictions, const Model& model);

}  // namespace scatlight::train
