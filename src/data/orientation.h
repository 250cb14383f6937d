#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "data/image.h"
#include "data/objects.h"

namespace scatlight::data {

/// The orientation (1 to 8) that a picture is to be shown in, by the records of its file, either of which may
/// be empty. As in Pillow, tag 274 of the EXIF record decides where it is there, and tiff:Orientation of the
/// XMP packet where it is not. The mark "Exif\0\0" may stand before the EXIF record, even twice. What is
/// broken or out of range means 1, upright: other readers ignore it too, and the picture is whole.
int read_orientation(std::span<const std::uint8_t> exif, std::string_view xmp);

/// True for the orientations that exchange width and height.
bool swaps_sides(int orientation);

ImageSize upright_size(const PictureHeader& header);

/// Turns and mirrors a stored picture upright. `orientation` is 1 to 8.
Image make_upright(Image stored, int orientation);

/// Left to right.
Image mirror(Image image);

/// Where a part of a stored picture of this size lies in the upright one.
Rect make_upright(const Rect& part, ImageSize stored, int orientation);

}  // namespace scatlight::data
