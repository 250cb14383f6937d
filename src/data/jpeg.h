#pragma once

#include <cstdint>
#include <span>

#include "data/image.h"

namespace scatlight::data {

/// What the markers before the first scan of a JPEG file say.
struct JpegHeader {
  int width = 0;   ///< As stored, before the orientation is applied.
  int height = 0;  ///< As stored.
  int components = 0;
  int orientation = 1;      ///< Of EXIF, 1 to 8.
  bool arithmetic = false;  ///< Entropy coding by arithmetic codes, not by Huffman's.
};

bool is_jpeg(std::span<const std::uint8_t> bytes);

// Both throw Error with the reason alone; the caller knows the file's name.

/// Walks the markers up to the frame header; decodes nothing.
JpegHeader read_jpeg_header(std::span<const std::uint8_t> bytes);

/// Decodes as stored, every side divided by `reduction` (1, 2, 4 or 8) and rounded up. What libjpeg warns
/// of, such as a file that ends too early or a broken code, is an error, unless all pixels are there: too
/// many bytes before a marker, odd scan parameters. The sizes must have been checked against the limits.
Image decode_jpeg(std::span<const std::uint8_t> bytes, const JpegHeader& header, int reduction);

}  // namespace scatlight::data
