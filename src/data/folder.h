#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/left_out.h"
#include "data/sample.h"

namespace scatlight::data {

/// A data set on disk, in one of three forms, which never mix:
/// - class folders, ROOT/CLASS/any/depth/image.jpg;
/// - class archives, ROOT/CLASS.tar with images, as ImageNet comes;
/// - shards, ROOT/ANY.tar with KEY.jpg and KEY.cls, as WebDataset has it (data/archive_folder.h).
/// Names decide which files and members are images (data/left_out.h). Links are followed, but never into a
/// folder that they lie in.
struct ImageFolder {
  std::filesystem::path root;
  std::vector<std::string> classes = {};  ///< Sorted by their bytes; those of shards as they number them.
  std::vector<Sample> samples = {};       ///< By class, then by path, or by the member's name.
  LeftOut left_out = {};
  double held_out = 0;  ///< It is this share of a data set (data/hold_out.h); 0: it is whole.
};

/// Lists a data set; no image is opened, but all archives are and stay so. `known_classes` are those of an
/// earlier training: they fix the labels, and then a class may have no folder or no image. Throws Error,
/// which names the folder or the archive, when there is neither a class folder nor an archive, when one holds
/// no image (with known classes, when all folders do), when one is not among the known classes, when forms
/// mix, and when an archive is damaged.
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
