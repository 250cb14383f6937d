#include "cli/box_data_flags.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "data/coco.h"
#include "data/voc.h"
#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::cli {
namespace {

bool is_voc(const std::filesystem::path& path) { return std::filesystem::is_directory(path / "Annotations"); }

bool is_json(const std::filesystem::path& path) { return path.extension() == ".json"; }

[[noreturn]] void refuse(const char* what, const std::string& value, const std::vector<std::string>& data,
                         const char* why) {
  throw CLI::ValidationError(fmt::format("{} {} does not apply to {}: {}", what, io::display(value),
                                         io::display(data.front()), why));
}

data::BoxFolder list_one(const std::filesystem::path& path, const BoxDataFlags& flags,
                         const std::string& usual_split, const data::BoxListOptions& options) {
  if (!std::filesystem::exists(path)) throw Error(fmt::format("{} does not exist", io::display_path(path)));
  if (is_json(path)) {
    const auto images =
        flags.images.empty() ? data::default_coco_images(path) : std::filesystem::path(flags.images);
    return data::list_coco(path, images, options);
  }
  if (is_voc(path)) return data::list_voc(path, flags.split.empty() ? usual_split : flags.split, options);
  throw Error(
      fmt::format("{} has no boxes: give VOC folders, which hold Annotations, JPEGImages and ImageSets/Main, "
                  "or COCO files (.json)",
                  io::display_path(path)));
}

}  // namespace

void add_box_data_flags(CLI::App& command, BoxDataFlags& flags) {
  command
      .add_option("--images", flags.images,
                  "Folder of the pictures of COCO files, if it is not beside them under the usual name.")
      ->type_name("DIR");
}

bool is_box_data(const std::string& path) { return is_json(path) || is_voc(path); }

void check_split(const std::vector<std::string>& data, const std::string& split) {
  if (!split.empty() && std::ranges::all_of(data, is_json))
    refuse("the split", split, data, "only VOC folders have splits");
}

void check_images_folder(const char* flag, const std::vector<std::string>& data, const std::string& images) {
  if (!images.empty() && std::ranges::all_of(data, is_voc))
    refuse(flag, images, data, "it is for COCO files");
}

data::BoxFolder list_box_data(const BoxDataFlags& flags, const std::string& usual_split,
                              const data::BoxListOptions& options) {
  std::vector<data::BoxFolder> folders;
  folders.reserve(flags.data.size());
  for (const auto& path : flags.data) folders.push_back(list_one(path, flags, usual_split, options));
  return data::join(std::move(folders));
}

void print_summary(const char* name, const data::BoxFolder& folder) {
  fmt::print(stderr, "{}: {}\n", name, data::describe(folder));
  for (const auto& skipped : folder.skipped) fmt::print(stderr, "left out: {}\n", skipped.reason);
}

}  // namespace scatlight::cli
