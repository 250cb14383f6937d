#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/box_loader.h"
#include "detect/model.h"
#include "detect/postprocess.h"
#include "train/on_images.h"
#include "train/team.h"

namespace scatlight::detect {

struct PredictOptions {
  double score = 0.5;  ///< Objects with a higher score are reported, whatever the detector's options say.
  int threads = 0;     ///< That decode; 0 means one per core.
  bool skip_bad = false;
  std::int64_t max_pixels = data::default_max_pixels;  ///< Of an image; see LoaderOptions.
};

struct Prediction {
  std::filesystem::path file;
  data::ImageSize size = {};          ///< Of the upright picture.
  std::vector<Detection> found = {};  ///< The best score first.
};

struct Predictions {
  std::vector<Prediction> images = {};  ///< In the order of the files.
  std::vector<data::SkippedFile> skipped = {};
};

/// Finds the objects in picture files. Throws Error for a bad file, unless they are skipped.
Predictions predict(DetectorModel& model, const std::vector<std::filesystem::path>& files,
                    const PredictOptions& options, const train::OnImages& on_images);

/// What the members of a team found, each in its own files, in the order of their ranks. Collective.
Predictions predictions_of_team(const Predictions& own, const train::Team& team);

/// The same as JSON, and as CSV with a line for each object.
std::string predictions_json(const Predictions& predictions, const DetectorModel& model);
std::string predictions_csv(const Predictions& predictions, const DetectorModel& model);

/// Writes each picture with its objects marked into a folder, as PNG. Pictures of one name get a number.
/// Throws Error.
void write_marked(const Predictions& predictions, const DetectorModel& model,
                  const std::filesystem::path& folder, std::int64_t max_pixels);

}  // namespace scatlight::detect
