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

void Normalizer::write(std::span<const std::uint8_t> rgb, ImageSize size, std::span<float> planes,
                       ImageSize planes_size) const {
  const auto width = static_cast<std::size_t>(size.width);
  const auto pitch = static_cast<std::size_t>(planes_size.width);
  for (std::size_t c = 0; c < 3; ++c) {
    const auto& table = normalized_[c];
    const auto* from = rgb.data() + c;
    auto* to = planes.data() + c * pitch * static_cast<std::size_t>(planes_size.height);
    for (int y = 0; y < size.height; ++y, from += 3 * width, to += pitch) {
      for (std::size_t x = 0; x < width; ++x) to[x] = table[from[3 * x]];
    }
  }
}

}  // namespace scatlight::data
