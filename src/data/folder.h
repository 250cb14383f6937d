#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/left_out.h"

namespace scatlight::data {

struct Sample {
  std::filesystem::path file;
  std::int64_t label = 0;  ///< Index into the classes.
};

/// A data set on disk: ROOT/CLASS/any/depth/image.jpg. Names tell which files are images (data/left_out.h).
/// Links are followed, but never into a folder that they lie in.
struct ImageFolder {
  std::filesystem::path root;
  std::vector<std::string> classes = {};  ///< Sorted by their bytes.
  std::vector<Sample> samples = {};       ///< By class, then by path.
  LeftOut left_out = {};
};

/// Lists a data set; no image is opened. `known_classes` are those of an earlier training: they fix the
/// labels, and then a class may have no folder or no image. Throws Error, which names the folder, when there
/// is no class folder, when one holds no image (with known classes, when all do), or when one is not among
/// the known classes.
ImageFolder list_image_folder(const std::filesystem::path& root,
                              const std::optional<std::vector<std::string>>& known_classes = std::nullopt);

/// Index of a class. Throws Error, which begins with `where`, when it is not among the known ones.
std::int64_t find_label(const std::vector<std::string>& classes, std::string_view name,
                        std::string_view where);

/// For example "1397 images of 8 classes (apple, avocado, ...)", and the classes that have none.
std::string describe(const ImageFolder& folder);

/// The images of a path given for prediction: a file, whatever its name, is itself; a folder gives all images
/// under it, sorted. What is passed over is added to `left_out`. Throws Error when there is no image.
std::vector<std::filesystem::path> list_images(const std::filesystem::path& path, LeftOut& left_out);
std::vector<std::filesystem::path> list_images(const std::filesystem::path& path);

}  // namespace scatlight::data
