#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/decode.h"
#include "data/image.h"
#include "scatlight/models.h"

namespace scatlight {
namespace {

void check_shape(std::size_t numbers, int height, int width) {
  if (height < 1 || width < 1 || std::int64_t{height} * width > data::default_max_pixels ||
      numbers != std::size_t{3} * static_cast<std::size_t>(height) * static_cast<std::size_t>(width)) {
    throw Error(fmt::format(
        "a picture of {} x {} pixels from {} numbers; (height, width, 3) of 1 to {} pixels is accepted",
        width, height, numbers, data::default_max_pixels));
  }
}

std::uint8_t to_byte(float share) {
  if (!(share >= 0 && share <= 1)) throw Error(fmt::format("a pixel of {}; 0 to 1 is accepted", share));
  return static_cast<std::uint8_t>(std::lround(share * 255));
}

}  // namespace

Picture::Picture(std::span<const std::uint8_t> rgb, int height, int width) : height_(height), width_(width) {
  check_shape(rgb.size(), height, width);
  rgb_.assign(rgb.begin(), rgb.end());
}

Picture::Picture(std::span<const float> rgb, int height, int width) : height_(height), width_(width) {
  check_shape(rgb.size(), height, width);
  rgb_.resize(rgb.size());
  std::ranges::transform(rgb, rgb_.begin(), to_byte);
}

Picture::Picture(int height, int width, std::vector<std::uint8_t> rgb)
    : height_(height), width_(width), rgb_(std::move(rgb)) {}

Picture Picture::read(const std::filesystem::path& file) {
  auto image = data::decode_file(file);
  return {image.height, image.width, std::move(image.rgb)};
}

Picture Picture::decode(std::span<const std::byte> file, const std::string& name) {
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(file.data());
  auto image = data::EncodedImage({bytes, bytes + file.size()}, name).decode();
  return {image.height, image.width, std::move(image.rgb)};
}

}  // namespace scatlight
