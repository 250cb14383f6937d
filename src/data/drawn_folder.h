#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace scatlight::data {

enum class FileFormat { Jpeg, Png };

/// A data set of dead leaves (data/dead_leaves.h) on disk: folder/train/<class>/00000.jpg ..., and the same
/// under val.
struct DrawnFolderOptions {
  std::filesystem::path folder;
  int classes = 8;  ///< The first of kind_names(), at least 2.
  int train = 200;  ///< Pictures per class.
  int val = 50;     ///< Pictures per class; may be 0.
  int size = 160;   ///< Height and width in pixels, 16 to 4096.
  std::uint64_t seed = 0;
  FileFormat format = FileFormat::Jpeg;
  int quality = 92;        ///< Of JPEG files, 1 to 100.
  int threads = 0;         ///< 0 means one per core.
  bool overwrite = false;  ///< Replace an earlier drawn data set, and never anything else.
};

/// Draws a data set, with a file dead_leaves.json that says its options. The folder is written as
/// io::AtomicFolder does it, so it is never half-written. on_picture is called
/// after each picture, from any thread. Throws Error for options out of range, a folder that is not empty,
/// and files that cannot be written.
void draw_folder(const DrawnFolderOptions& options, const std::function<void()>& on_picture);

}  // namespace scatlight::data
