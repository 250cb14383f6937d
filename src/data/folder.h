#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace scatlight::data {

struct Sample {
  std::filesystem::path file;
  std::int64_t label = 0;  ///< Index into the classes.
};

/// A data set on disk: ROOT/CLASS/any/depth/image.jpg. Images are files whose names end in .jpg, .jpeg or
/// .png in any case. Hidden files and folders (their names begin with a dot) are not looked into.
struct ImageFolder {
  std::filesystem::path root;
  std::vector<std::string> classes = {};  ///< Sorted by their bytes.
  std::vector<Sample> samples = {};       ///< By class, then by path.
  std::int64_t other_files = 0;  ///< Files that are no images, and hidden entries: left out, but counted.
};

/// Lists a data set; no image is opened. `known_classes` are those of an earlier training: they fix the
/// labels, and then a class may be absent from the folder. Throws Error, which names the folder, when there
/// is no class folder, when a class folder holds no image, or when it is not among the known classes.
ImageFolder list_image_folder(const std::filesystem::path& root,
                              const std::optional<std::vector<std::string>>& known_classes = std::nullopt);

/// The images of a path given for prediction: a file, whatever its name, is itself; a folder gives all images
/// under it, sorted. Throws Error when there is none.
std::vector<std::filesystem::path> list_images(const std::filesystem::path& path);

}  // namespace scatlight::data
