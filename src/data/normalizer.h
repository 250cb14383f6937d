#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "data/image.h"

namespace scatlight::data {

/// Of R, G, B in [0, 1], over ImageNet.
inline constexpr std::array<float, 3> imagenet_mean = {0.485F, 0.456F, 0.406F};
inline constexpr std::array<float, 3> imagenet_deviation = {0.229F, 0.224F, 0.225F};

/// Turns bytes into a network's numbers: (level / 255 - mean) / deviation for each channel, by a table.
class Normalizer {
 public:
  /// Throws Error unless all are finite and the deviations above 0.
  Normalizer(const std::array<float, 3>& mean, const std::array<float, 3>& deviation);

  /// Writes the channels of RGB pixels (height, width, 3) to the upper left of planes (3, height, width) that
  /// are at least as large, and nothing else.
  void write(std::span<const std::uint8_t> rgb, ImageSize size, std::span<float> planes,
             ImageSize planes_size) const;

 private:
  std::array<std::array<float, 256>, 3> normalized_;  ///< (channel, byte)
};

}  // namespace scatlight::data
