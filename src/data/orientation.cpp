#include "data/orientation.h"

#include <cstddef>
#include <optional>

namespace scatlight::data {
namespace {

/// Bounds-checked numbers of a TIFF record in its own byte order.
class TiffBytes {
 public:
  TiffBytes(std::span<const std::uint8_t> bytes, bool is_big_endian)
      : bytes_(bytes), is_big_endian_(is_big_endian) {}

  std::optional<std::uint32_t> number(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < size) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const auto byte = bytes_[offset + (is_big_endian_ ? i : size - 1 - i)];
      value = value << 8 | byte;
    }
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  bool is_big_endian_;
};

constexpr std::uint32_t orientation_tag = 0x0112;
constexpr std::uint32_t short_type = 3;

}  // namespace

int read_exif_orientation(std::span<const std::uint8_t> tiff) {
  if (tiff.size() < 8 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M')) return 1;
  const TiffBytes bytes(tiff, tiff[0] == 'M');
  if (bytes.number(2, 2) != 42U) return 1;
  const std::size_t directory = *bytes.number(4, 4);
  const auto entries = bytes.number(directory, 2);
  if (!entries) return 1;
  for (std::size_t i = 0; i < *entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    const auto tag = bytes.number(entry, 2);
    if (!tag) return 1;
    if (tag != orientation_tag) continue;
    if (bytes.number(entry + 2, 2) != short_type || bytes.number(entry + 4, 4) != 1U) return 1;
    const auto value = bytes.number(entry + 8, 2);
    return value && *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
}

bool swaps_sides(int orientation) { return orientation >= 5; }

Image make_upright(Image stored, int orientation) {
  if (orientation == 1) return stored;
  // Upright pixel (x, y) lies in the stored picture at start + x * step_x + y * step_y.
  const std::ptrdiff_t width = stored.width;
  const std::ptrdiff_t height = stored.height;
  const std::ptrdiff_t right = 3;
  const std::ptrdiff_t down = 3 * width;
  const std::ptrdiff_t last_column = right * (width - 1);
  const std::ptrdiff_t last_row = down * (height - 1);
  struct Walk {
    std::ptrdiff_t start, step_x, step_y;
  };
  const Walk walks[] = {
      {0, right, down},                         // 1 upright
      {last_column, -right, down},              // 2 mirrored left to right
      {last_column + last_row, -right, -down},  // 3 upside down
      {last_row, right, -down},                 // 4 mirrored top to bottom
      {0, down, right},                         // 5 mirrored along the main diagonal
      {last_row, -down, right},                 // 6 to be turned clockwise
      {last_column + last_row, -down, -right},  // 7 mirrored along the other diagonal
      {last_column, down, -right},              // 8 to be turned anticlockwise
  };
  const auto walk = walks[orientation - 1];
  Image upright{.width = swaps_sides(orientation) ? stored.height : stored.width,
                .height = swaps_sides(orientation) ? stored.width : stored.height};
  upright.rgb.resize(stored.rgb.size());
  auto* to = upright.rgb.data();
  for (std::ptrdiff_t y = 0; y < upright.height; ++y) {
    const auto* from = stored.rgb.data() + walk.start + y * walk.step_y;
    for (std::ptrdiff_t x = 0; x < upright.width; ++x, to += 3) {
      const auto* pixel = from + x * walk.step_x;
      to[0] = pixel[0];
      to[1] = pixel[1];
      to[2] = pixel[2];
    }
  }
  return upright;
}

}  // namespace scatlight::data
