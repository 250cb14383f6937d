#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/recipe.h"
#include "nets/network.h"

namespace scatlight::train {

/// A trained network and all that its use needs.
struct Model {
  std::filesystem::path file;
  nets::Network network;
  std::vector<std::string> classes;
  data::RecipeOptions recipe;  ///< Sizes, mean and deviation; the augmentation is of no use any more.
};

/// Writes the weights with the classes and the recipe as metadata.
void save_model(const std::filesystem::path& path, const nets::Network& network,
                const std::vector<std::string>& classes, const data::RecipeOptions& recipe);

/// Reads what save_model wrote, and makes the network fast for inference: it can no longer be trained. Throws
/// Error for another file.
Model load_model(const std::filesystem::path& path, const torch_ops::Placement& placement = {});

}  // namespace scatlight::train
