#pragma once

#include <cstdint>
#include <vector>

namespace scatlight::data {

/// An 8-bit sRGB picture in memory.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb = {};  ///< (height, width, 3), contiguous.
};

struct ImageSize {
  int width = 0;
  int height = 0;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

/// What a file says of its picture before that is decoded.
struct PictureHeader {
  ImageSize stored = {};  ///< Before the orientation is applied.
  int orientation = 1;    ///< 1 to 8, see data/orientation.h.
};

}  // namespace scatlight::data
