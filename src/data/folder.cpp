#include "data/folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <system_error>

#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;

bool has_image_name(const fs::path& file) {
  auto extension = file.extension().native();
  for (auto& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

bool is_hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

/// Turns the standard library's errors, such as a folder that may not be read, into ours.
template <class Step>
auto with_errors_of(const fs::path& folder, Step&& step) {
  try {
    return step();
  } catch (const fs::filesystem_error& error) {
    const auto& path = error.path1().empty() ? folder : error.path1();
    throw Error(fmt::format("cannot list {}: {}", io::display_path(path), error.code().message()));
  }
}

struct Listing {
  std::vector<fs::path> images;  ///< Sorted.
  std::int64_t other_files = 0;
};

Listing list_recursively(const fs::path& folder) {
  Listing listing;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::follow_directory_symlink);
  for (; entry != fs::recursive_directory_iterator(); ++entry) {
    if (is_hidden(entry->path())) {
      entry.disable_recursion_pending();
      ++listing.other_files;
    } else if (!entry->is_directory()) {
      if (has_image_name(entry->path())) {
        listing.images.push_back(entry->path());
      } else {
        ++listing.other_files;
      }
    }
  }
  std::ranges::sort(listing.images, {},
                    [](const fs::path& path) -> const std::string& { return path.native(); });
  return listing;
}

struct TopLevel {
  std::vector<std::string> folders;  ///< Sorted.
  std::int64_t images = 0;
  std::int64_t other_files = 0;
};

TopLevel list_top_level(const fs::path& root) {
  TopLevel top;
  for (const auto& entry : fs::directory_iterator(root)) {
    const bool hidden = is_hidden(entry.path());
    if (!hidden && entry.is_directory()) {
      top.folders.push_back(entry.path().filename().native());
    } else if (!hidden && has_image_name(entry.path())) {
      ++top.images;
    } else {
      ++top.other_files;
    }
  }
  std::ranges::sort(top.folders);
  return top;
}

std::int64_t find_label(const ImageFolder& folder, const std::string& name) {
  const auto found = std::ranges::find(folder.classes, name);
  if (found == folder.classes.end()) {
    throw Error(fmt::format("{}: the class '{}' is not among the {} known classes ({})",
                            io::display_path(folder.root), io::display(name), folder.classes.size(),
                            io::display(fmt::format("{}", fmt::join(folder.classes, ", ")))));
  }
  return found - folder.classes.begin();
}

}  // namespace

ImageFolder list_image_folder(const fs::path& root,
                              const std::optional<std::vector<std::string>>& known_classes) {
  return with_errors_of(root, [&] {
    const auto top = list_top_level(root);
    if (top.folders.empty()) {
      throw Error(fmt::format(
          "{}: there is no class folder in it{}; expected are folders of images, one a class",
          io::display_path(root), top.images > 0 ? fmt::format(", but {} images", top.images) : ""));
    }
    ImageFolder folder{.root = root,
                       .classes = known_classes.value_or(top.folders),
                       .other_files = top.images + top.other_files};
    for (const auto& name : top.folders) {
      const auto label = find_label(folder, name);
      auto listing = list_recursively(root / name);
      if (listing.images.empty()) {
        throw Error(fmt::format("{}: the class folder holds no .jpg, .jpeg or .png file",
                                io::display_path(root / name)));
      }
      for (auto& file : listing.images) folder.samples.push_back({.file = std::move(file), .label = label});
      folder.other_files += listing.other_files;
    }
    return folder;
  });
}

std::vector<fs::path> list_images(const fs::path& path) {
  return with_errors_of(path, [&]() -> std::vector<fs::path> {
    if (!fs::is_directory(path)) {
      if (!fs::exists(path)) throw Error(fmt::format("{}: no such file or folder", io::display_path(path)));
      return {path};
    }
    auto listing = list_recursively(path);
    if (listing.images.empty()) {
      throw Error(fmt::format("{}: there is no .jpg, .jpeg or .png file in it", io::display_path(path)));
    }
    return std::move(listing.images);
  });
}

}  // namespace scatlight::data
