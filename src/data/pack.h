#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "data/folder.h"
#include "data/left_out.h"

namespace scatlight::data {

/// A data set as shards that WebDataset reads, too: OUT/shard-000000.tar ... and OUT/classes.txt. Each shard
/// holds pairs KEY.jpg (or .png, .webp, as the content is) and KEY.cls in a random order, for programs that
/// read shards from one end to the other. KEY is the place of the sample in the data set, eight digits, so
/// that the shards' samples, listed again, have the order of the data set.
struct PackOptions {
  std::filesystem::path out = {};
  std::int64_t shard_images = 5000;  ///< At most: the fewest shards, as even as they can be.
  int short_side = 0;      ///< Larger pictures are shrunk to it, in pixels; 0: files are copied as they are.
  int quality = 90;        ///< Of the JPEG files of shrunk pictures, 1 to 100.
  std::uint64_t seed = 0;  ///< Of the order.
  int threads = 0;         ///< 0 means one per core.
  bool skip_bad = false;   ///< Leave out files that cannot be read, and record them.
  std::int64_t max_pixels = default_max_pixels;  ///< Of a picture; a file with more is bad.
};

struct PackResult {
  std::int64_t images = 0;
  std::int64_t shards = 0;
  std::vector<SkippedFile> skipped = {};
};

/// Writes the shards of a data set; the same options give the same bytes. OUT is written as io::AtomicFolder
/// does it, so it is never half-written. Headers of all pictures are read, pixels of those that are shrunk.
/// on_image is called after each image, by one thread at a time. Throws Error for options out of range, an
/// OUT that is not empty, bad files unless they are skipped, a class of which no image is left, and files
/// that cannot be written.
PackResult pack(const ImageFolder& folder, const PackOptions& options, const std::function<void()>& on_image);

}  // namespace scatlight::data
