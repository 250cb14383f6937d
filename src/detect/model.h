#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/box_recipe.h"
#include "detect/detector.h"
#include "detect/options.h"

namespace scatlight::detect {

/// What a detector's file says beside its weights.
struct DetectorFacts {
  DetectorOptions options = {};
  std::vector<std::string> classes = {};
  std::vector<std::int64_t> category_ids = {};  ///< (classes): those of the training's annotations.
  data::BoxRecipeOptions recipe = {};           ///< Sizes, mean and deviation.
};

/// A trained detector and all that its use needs.
struct DetectorModel {
  std::filesystem::path file;
  Detector detector;
  DetectorFacts facts;
};

/// Writes the weights with the facts as metadata.
void save_detector(const std::filesystem::path& path, const Detector& detector, const DetectorFacts& facts);

/// Whether a weights file is a detector's. Throws Error for a file that is no safetensors file.
bool is_detector(const std::filesystem::path& path);

/// Reads what save_detector wrote, and makes the detector fast for inference: it can no longer be trained.
/// Throws Error for another file.
DetectorModel load_detector(const std::filesystem::path& path, const torch_ops::Placement& placement = {});

/// First weights: those of a classifier with the same network, or of a detector with the same network and
/// anchors. Throws Error as nets::load_body().
void load_first_weights(Detector& detector, const std::filesystem::path& path,
                        const std::vector<std::string>& classes);

/// What load_first_weights() leaves random: region proposals and classes if the file is a classifier; classes
/// if the detector's are not these in this order (or, if it names none, not as many).
std::vector<std::string> parts_left_random(const std::filesystem::path& path,
                                           const std::vector<std::string>& classes);

}  // namespace scatlight::detect
