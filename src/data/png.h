#pragma once

#include <cstdint>
#include <span>

#include "data/image.h"

namespace scatlight::data {

bool is_png(std::span<const std::uint8_t> bytes);

// Both throw Error with the reason alone; the caller knows the file's name.

/// Reads the size, and the orientation as Pillow does: from the EXIF record of an eXIf chunk or of the text
/// "Raw profile type exif", or from XMP. They may stand anywhere, so this needs the whole file.
PictureHeader read_png_header(std::span<const std::uint8_t> bytes);

/// Decodes to 8-bit RGB as stored: grey is repeated, a palette looked up, alpha dropped, 16-bit samples keep
/// their high byte, all as Pillow's convert("RGB") does, but for grey of 16 bits, which Pillow cuts off at
/// level 255 of 65,535. Chunks that hold no pixels may be broken, and what follows the pixels may be lacking.
/// The sizes must have been checked against the limits.
Image decode_png(std::span<const std::uint8_t> bytes);

}  // namespace scatlight::data
