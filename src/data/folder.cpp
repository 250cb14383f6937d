#include "data/folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "data/archive_folder.h"
#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;

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

/// True for a link to a folder, too. A link that leads nowhere is a file: its name says what is missing.
bool is_folder(const fs::directory_entry& entry) {
  std::error_code error;
  const bool result = entry.is_directory(error);
  if (error && error.value() != ELOOP) throw fs::filesystem_error("is_directory", entry.path(), error);
  return result;
}

/// What a folder is by whatever path it is reached.
using FolderId = std::pair<dev_t, ino_t>;

FolderId identify(const fs::path& folder) {
  struct stat status = {};
  if (::stat(folder.c_str(), &status) != 0) {
    throw fs::filesystem_error("stat", folder, std::error_code(errno, std::generic_category()));
  }
  return {status.st_dev, status.st_ino};
}

bool contains(const std::vector<FolderId>& folders, FolderId id) {
  return std::ranges::find(folders, id) != folders.end();
}

/// The folders that a folder lies in.
std::vector<FolderId> identify_above(const fs::path& folder) {
  std::vector<FolderId> above;
  for (auto path = fs::canonical(folder); path != path.parent_path();) {
    path = path.parent_path();
    above.push_back(identify(path));
  }
  return above;
}

/// One folder, in no order. Hidden entries are counted only.
struct Listing {
  std::vector<fs::path> folders;
  std::vector<fs::path> files;
};

Listing list_one(const fs::path& folder, LeftOut& left_out) {
  Listing listing;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (kind_of(entry.path()) == FileKind::Hidden) {
      left_out.add(FileKind::Hidden, entry.path());
    } else {
      (is_folder(entry) ? listing.folders : listing.files).push_back(entry.path());
    }
  }
  return listing;
}

/// `above` are the folders on the way here, into which no link is followed.
void add_images_under(const fs::path& folder, std::vector<FolderId>& above, std::vector<fs::path>& images,
                      LeftOut& left_out) {
  const auto id = identify(folder);
  if (contains(above, id)) {
    ++left_out.circular_links;
    return;
  }
  auto listing = list_one(folder, left_out);
  for (auto& file : listing.files) {
    const auto kind = kind_of(file);
    if (kind == FileKind::Image) {
      images.push_back(std::move(file));
    } else {
      left_out.add(kind, file);
    }
  }
  above.push_back(id);
  for (const auto& inner : listing.folders) add_images_under(inner, above, images, left_out);
  above.pop_back();
}

/// All images at any depth, sorted.
std::vector<fs::path> list_recursively(const fs::path& folder, std::vector<FolderId> above,
                                       LeftOut& left_out) {
  std::vector<fs::path> images;
  add_images_under(folder, above, images, left_out);
  std::ranges::sort(images, {}, [](const fs::path& path) -> const std::string& { return path.native(); });
  return images;
}

/// Moves the archives out of the files; sorted.
std::vector<fs::path> take_archives(std::vector<fs::path>& files) {
  const auto first =
      std::ranges::partition(files, [](const fs::path& file) { return kind_of(file) != FileKind::Archive; });
  std::vector<fs::path> archives(first.begin(), first.end());
  files.erase(first.begin(), first.end());
  std::ranges::sort(archives, {}, [](const fs::path& path) -> const std::string& { return path.native(); });
  return archives;
}

/// Lists the classes of folder.root, in which `top` lies, into the rest of `folder`.
void list_class_folders(ImageFolder& folder, Listing top,
                        const std::optional<std::vector<std::string>>& known_classes) {
  const auto& root = folder.root;
  for (const auto& file : top.files) folder.left_out.add(kind_of(file), file);
  auto above = identify_above(root);
  above.push_back(identify(root));
  folder.left_out.circular_links += static_cast<std::int64_t>(
      std::erase_if(top.folders, [&](const fs::path& path) { return contains(above, identify(path)); }));
  std::ranges::sort(top.folders, {},
                    [](const fs::path& path) -> const std::string& { return path.native(); });
  if (top.folders.empty()) {
    throw Error(fmt::format(
        "{}: there is no class folder in it ({}); expected are folders of images, one per class, or "
        "tar archives{}",
        io::display_path(root), describe_no_image(folder.left_out),
        known_classes && folder.left_out.images_outside > 0
            ? "; `scatlight predict` names the classes of such images"
            : ""));
  }

  if (known_classes) {
    folder.classes = *known_classes;
  } else {
    for (const auto& path : top.folders) folder.classes.push_back(path.filename().native());
  }
  for (const auto& path : top.folders) {
    const auto label = find_label(folder.classes, path.filename().native(), io::display_path(root));
    LeftOut left_out;
    const auto images = list_recursively(path, above, left_out);
    if (images.empty() && !known_classes) {
      throw Error(fmt::format("{}: the class folder holds no image ({})", io::display_path(path),
                              describe_no_image(left_out)));
    }
    for (const auto& file : images) folder.samples.push_back({.name = file.native(), .label = label});
    folder.left_out.add(left_out);
  }
  if (folder.samples.empty()) {
    throw Error(fmt::format("{}: its class folders hold no image ({})", io::display_path(root),
                            describe_no_image(folder.left_out)));
  }
}

}  // namespace

ImageFolder list_image_folder(const fs::path& root,
                              const std::optional<std::vector<std::string>>& known_classes) {
  return with_errors_of(root, [&] {
    if (kind_of(root) == FileKind::Archive && fs::is_regular_file(root)) {
      throw Error(fmt::format("{} is an archive: give the folder that holds it", io::display_path(root)));
    }
    ImageFolder folder{.root = root};
    auto top = list_one(root, folder.left_out);
    const auto archives = take_archives(top.files);
    if (archives.empty()) {
      list_class_folders(folder, std::move(top), known_classes);
    } else if (top.folders.empty()) {
      list_archives(folder, archives, top.files, known_classes);
    } else {
      throw Error(fmt::format(
          "{}: it holds folders, as {}, and archives, as {}; a data set is in the ones or the others",
          io::display_path(root), io::display_path(top.folders.front().filename()),
          io::display_path(archives.front().filename())));
    }
    return folder;
  });
}

std::string describe(const ImageFolder& folder) {
  std::vector<std::int64_t> images(folder.classes.size());
  for (const auto& sample : folder.samples) ++images[static_cast<std::size_t>(sample.label)];
  std::vector<std::string> without_image;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (images[i] == 0) without_image.push_back(folder.classes[i]);
  }
  return fmt::format("{} of {} ({}){}", count(std::ssize(folder.samples), "image"),
                     count(std::ssize(folder.classes), "class"), list_some(folder.classes),
                     without_image.empty() ? "" : ", none of " + list_some(without_image));
}

std::int64_t find_label(const std::vector<std::string>& classes, std::string_view name,
                        std::string_view where) {
  const auto found = std::ranges::find(classes, name);
  if (found == classes.end()) {
    throw Error(fmt::format("{}: the class '{}' is not among the {} known classes ({})", where,
                            io::display(name), classes.size(),
                            io::display(fmt::format("{}", fmt::join(classes, ", ")))));
  }
  return found - classes.begin();
}

std::vector<fs::path> list_images(const fs::path& path, LeftOut& left_out) {
  return with_errors_of(path, [&]() -> std::vector<fs::path> {
    if (!fs::is_directory(path)) {
      if (!fs::exists(path)) throw Error(fmt::format("{}: no such file or folder", io::display_path(path)));
      if (kind_of(path) == FileKind::Archive) {
        throw Error(fmt::format("{} is an archive; images are taken from files", io::display_path(path)));
      }
      return {path};
    }
    LeftOut left_out_here;
    auto images = list_recursively(path, identify_above(path), left_out_here);
    if (images.empty()) {
      throw Error(fmt::format("{}: there is no image in it ({})", io::display_path(path),
                              describe_no_image(left_out_here)));
    }
    left_out.add(left_out_here);
    return images;
  });
}

std::vector<fs::path> list_images(const fs::path& path) {
  LeftOut not_told;
  return list_images(path, not_told);
}

}  // namespace scatlight::data
