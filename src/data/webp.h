#pragma once

#include <cstdint>
#include <span>

#include "data/image.h"

namespace scatlight::data {

bool is_webp(std::span<const std::uint8_t> bytes);

// Both throw Error with the reason alone; the caller knows the file's name.

/// Reads the size of the canvas, and the orientation of the EXIF or XMP record. These stand behind the
/// pixels, so this needs the whole file.
PictureHeader read_webp_header(std::span<const std::uint8_t> bytes);

/// Decodes to 8-bit RGB as stored; alpha is dropped. Of an animation this is the first frame, on black where
/// it does not cover the canvas. All as Pillow's convert("RGB") does. The sizes must have been checked
/// against the limits.
Image decode_webp(std::span<const std::uint8_t> bytes);

}  // namespace scatlight::data
