#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/folder.h"

namespace scatlight::data {

/// Lists the archives of `folder.root` into the rest of `folder`, on as many threads as the machine has:
/// - CLASS.tar with the images of a class, in one folder or at any depth of the folder CLASS;
/// - shards. classes.txt beside them names the classes, one per line, from number 0 on; without it the
/// numbers
///   are the names.
/// `others` are the files beside the archives. See list_image_folder() for `known_classes` and errors.
void list_archives(ImageFolder& folder, const std::vector<std::filesystem::path>& archives,
                   const std::vector<std::filesystem::path>& others,
                   const std::optional<std::vector<std::string>>& known_classes);

/// The name of the file that names the classes of shards.
inline constexpr const char* class_list_name = "classes.txt";

}  // namespace scatlight::data
