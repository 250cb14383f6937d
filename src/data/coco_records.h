#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/objects.h"

namespace scatlight::data {

// The records of a COCO file, each sound in itself, but not yet compared with each other.

struct CocoImage {
  std::int64_t id = 0;
  std::string file_name = {};
  ImageSize size = {};  ///< 0 x 0 where it is not told.
};

struct CocoAnnotation {
  std::optional<std::int64_t> id = std::nullopt;
  std::size_t place = 0;  ///< In the list, from 1.
  std::int64_t image = 0;
  std::int64_t category = 0;
  Object object = {};  ///< Without its label.
};

struct CocoCategory {
  std::int64_t id = 0;
  std::string name = {};
};

/// A record that cannot be used.
struct BadCocoRecord {
  std::optional<std::int64_t> image = std::nullopt;  ///< Whose record it is, where that is known.
  std::string reason = {};
};

struct CocoRecords {
  std::vector<CocoImage> images = {};
  std::vector<CocoAnnotation> annotations = {};
  std::vector<CocoCategory> categories = {};
  std::vector<BadCocoRecord> bad = {};  ///< Images and annotations; a bad category is an Error.
};

/// Reads a COCO file as a stream. Throws Error, which names the file, when it is no JSON, or has no images,
/// annotations or categories.
CocoRecords read_coco_records(const std::filesystem::path& json);

}  // namespace scatlight::data
