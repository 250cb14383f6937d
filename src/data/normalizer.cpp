#include "data/normalizer.h"

#include <fmt/format.h>

#include <cmath>

#include "scatlight/error.h"

namespace scatlight::data {

Normalizer::Normalizer(const std::array<float, 3>& mean, const std::array<float, 3>& deviation) {
  for (std::size_t c = 0; c < 3; ++c) {
    if (!std::isfinite(mean[c]) || !std::isfinite(deviation[c]) || !(deviation[c] > 0)) {
      throw Error(
          fmt::format("channel mean {} and deviation {}: finite numbers and a deviation above 0 are accepted",
                      mean[c], deviation[c]));
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const float level = static_cast<float>(byte) / 255.0F;
      normalized_[c][byte] = (level - mean[c]) / deviation[c];
    }
  }
}

void Normalizer::write(const Image& image, bool mirrored, std::span<float> planes, ImageSize size) const {
  const auto width = static_cast<std::size_t>(image.width);
  const auto pitch = static_cast<std::size_t>(size.width);
  for (std::size_t c = 0; c < 3; ++c) {
    const auto& table = normalized_[c];
    auto* to = planes.data() + c * pitch * static_cast<std::size_t>(size.height);
    for (std::size_t y = 0; y < static_cast<std::size_t>(image.height); ++y, to += pitch) {
      const auto* from = image.rgb.data() + 3 * y * width + c;
      if (mirrored) {
        for (std::size_t x = 0; x < width; ++x) to[width - 1 - x] = table[from[3 * x]];
      } else {
        for (std::size_t x = 0; x < width; ++x) to[x] = table[from[3 * x]];
      }
    }
  }
}

}  // namespace scatlight::data
