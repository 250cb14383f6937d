#pragma once

#include <cstdint>
#include <span>

#include "data/image.h"

namespace scatlight::data {

bool is_png(std::span<const std::uint8_t> bytes);

// Both throw Error with the reason alone; the caller knows the file's name.

/// Reads the first chunk.
ImageSize read_png_size(std::span<const std::uint8_t> bytes);

/// Decodes to 8-bit RGB: grey is repeated, a palette looked up, alpha dropped, 16-bit samples keep their high
/// byte, all as Pillow's convert("RGB") does, but for grey of 16 bits, which Pillow cuts off at level 255 of
/// 65,535. The sizes must have been checked against the limits.
Image decode_png(std::span<const std::uint8_t> bytes);

}  // namespace scatlight::data
