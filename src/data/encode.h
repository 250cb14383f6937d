#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace scatlight::data {

// Encoders for 8-bit sRGB pictures: pixels is (height, width, 3), contiguous. They throw Error when the
// encoder refuses, and return the bytes of a file.

/// quality is 1 to 100. Colours are not subsampled from quality 90 on.
std::vector<std::uint8_t> encode_jpeg(std::span<const std::uint8_t> pixels, int height, int width,
                                      int quality);
std::vector<std::uint8_t> encode_png(std::span<const std::uint8_t> pixels, int height, int width);

}  // namespace scatlight::data
