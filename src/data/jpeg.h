#pragma once

#include <cstdint>
#include <span>

#include "data/image.h"

namespace scatlight::data {

bool is_jpeg(std::span<const std::uint8_t> bytes);

// Both throw Error with the reason alone; the caller knows the file's name. libjpeg does all the reading,
// with a new decompressor for each file, so that no file can leave anything to the next.

/// Reads up to the first scan; decodes nothing.
PictureHeader read_jpeg_header(std::span<const std::uint8_t> bytes);

/// Decodes as stored, every side divided by `reduction` (1, 2, 4 or 8) and rounded up. What libjpeg warns
/// of, such as a file that ends too early or a broken code, is an error where it costs pixels. A missing end
/// mark, bytes between segments and odd scan parameters cost none. A frame without Huffman tables gets those
/// of annex K of the JPEG standard, as motion JPEG wants it. The sizes must have been checked against the
/// limits.
Image decode_jpeg(std::span<const std::uint8_t> bytes, int reduction);

}  // namespace scatlight::data
