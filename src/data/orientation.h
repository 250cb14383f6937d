#pragma once

#include <cstdint>
#include <span>

#include "data/image.h"

namespace scatlight::data {

/// The orientation (1 to 8) that a camera's EXIF record asks for; `tiff` is the record after "Exif\0\0". A
/// record that is broken, or that does not say, means 1, upright: other readers ignore it too, and the
/// picture is whole.
int read_exif_orientation(std::span<const std::uint8_t> tiff);

/// True for the orientations that exchange width and height.
bool swaps_sides(int orientation);

/// Turns and mirrors a stored picture upright. `orientation` is 1 to 8.
Image make_upright(Image stored, int orientation);

}  // namespace scatlight::data
