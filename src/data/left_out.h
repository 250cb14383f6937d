#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace scatlight::data {

/// What a file is by its name.
enum class FileKind {
  Image,         ///< Of a format that is read.
  Archive,       ///< A tar archive (.tar).
  OtherPicture,  ///< Of a format that is not read, such as .tiff.
  Other,
  Hidden,  ///< A file or folder that is not looked into: its name begins with a dot, or a program keeps
           ///< thumbnails, deleted files or settings of its own in it.
};
FileKind kind_of(const std::filesystem::path& file);

/// ".jpg" of "a/b.JPG": from the last dot of the name on, in small letters; empty without one.
std::string ending_of(const std::filesystem::path& file);

/// The endings of images, in small letters.
std::span<const std::string_view> list_image_endings();

/// These endings as text: ".jpg, .jpeg, ... and .webp".
std::string image_endings();

/// What a listing passes over, so that a run can say so.
struct LeftOut {
  std::map<std::string, std::int64_t> pictures =
      {};  ///< Of formats that are not read; by ending, in lower case.
  std::map<std::string, std::int64_t> others = {};  ///< No pictures; by ending.
  std::int64_t images_outside = 0;                  ///< Images that lie in no class folder.
  std::int64_t hidden = 0;                          ///< Files and folders, see FileKind.
  std::int64_t circular_links = 0;                  ///< Links to a folder that they lie in.

  void add(FileKind kind, const std::filesystem::path& file);
  void add(const LeftOut& more);
  std::int64_t total() const;
};

/// For example "13 files left out: 10 pictures (7 .heic, 3 .tiff), 2 others (2 .txt), 1 hidden; .jpg, .jpeg,
/// .png and .webp are read". Empty when nothing was left out.
std::string describe(const LeftOut& left_out);

/// Why a place has no image: what was left out there, or what is read.
std::string describe_no_image(const LeftOut& left_out);

/// The first ten names, fit to be shown: "apple, avocado, ..."
std::string list_some(std::span<const std::string> names);

/// "1 image", "12 images"
std::string count(std::int64_t number, std::string_view thing);

/// A file that was left out because it is bad.
struct SkippedFile {
  std::string file;
  std::string reason;
};

}  // namespace scatlight::data
