#pragma once

#include <webp/encode.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/dead_leaves.h"
#include "data/encode.h"
#include "data/image.h"

namespace scatlight::test {

/// A drawn picture with the statistics of photographs.
inline data::Image draw_picture(int size, std::uint64_t seed = 0) {
  return {.width = size,
          .height = size,
          .rgb = data::draw_dead_leaves(data::Kind::Discs, size,
                                        data::picture_seed(seed, "test", data::Kind::Discs, 0))};
}

/// A part of one, repeated where the picture is longer than 512.
inline data::Image draw_picture(int width, int height, std::uint64_t seed) {
  const auto square = draw_picture(std::min(std::max(width, height), 512), seed);
  data::Image image{.width = width, .height = height};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto* pixel =
          &square.rgb[static_cast<std::size_t>(3 * (y % square.height * square.width + x % square.width))];
      image.rgb.insert(image.rgb.end(), pixel, pixel + 3);
    }
  }
  return image;
}

inline std::vector<std::uint8_t> to_jpeg(const data::Image& image, int quality = 92) {
  return data::encode_jpeg(image.rgb, image.height, image.width, quality);
}
inline std::vector<std::uint8_t> to_png(const data::Image& image) {
  return data::encode_png(image.rgb, image.height, image.width);
}

/// Quality 100 is without loss.
inline std::vector<std::uint8_t> to_webp(const data::Image& image, int quality) {
  std::uint8_t* bytes = nullptr;
  const auto* rgb = image.rgb.data();
  const std::size_t size =
      quality == 100 ? WebPEncodeLosslessRGB(rgb, image.width, image.height, 3 * image.width, &bytes)
                     : WebPEncodeRGB(rgb, image.width, image.height, 3 * image.width, float(quality), &bytes);
  std::vector<std::uint8_t> result(bytes, bytes + size);
  WebPFree(bytes);
  return result;
}

inline std::string_view as_text(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::vector<std::uint8_t> as_bytes(std::string_view text) { return {text.begin(), text.end()}; }

/// Mean absolute difference of two pictures of one size, in levels of 255.
template <class T>
double mean_difference(const std::vector<T>& a, const std::vector<T>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] > b[i] ? double(a[i] - b[i]) : double(b[i] - a[i]);
  return sum / static_cast<double>(a.size());
}

}  // namespace scatlight::test
