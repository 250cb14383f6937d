#include "data/orientation.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace scatlight::data {
namespace {

constexpr int upright = 1;

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

/// The tag's value, or nothing where the record has no such tag.
std::optional<int> find_exif_orientation(std::span<const std::uint8_t> exif) {
  constexpr std::array<std::uint8_t, 6> mark = {'E', 'x', 'i', 'f', 0, 0};
  for (int i = 0; i < 2 && exif.size() >= mark.size() && std::ranges::equal(exif.first(6), mark); ++i) {
    exif = exif.subspan(mark.size());
  }
  if (exif.size() < 8 || exif[0] != exif[1] || (exif[0] != 'I' && exif[0] != 'M')) return std::nullopt;
  const TiffBytes bytes(exif, exif[0] == 'M');
  const auto version = bytes.number(2, 2);
  if (version != 42U && version != 42U << 8) return std::nullopt;
  const std::size_t directory = *bytes.number(4, 4);
  const auto entries = bytes.number(directory, 2);
  for (std::size_t i = 0; entries && i < *entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (bytes.number(entry, 2) != 0x0112U) continue;
    const auto type = bytes.number(entry + 2, 2);
    const auto count = bytes.number(entry + 4, 4);
    const std::size_t size = type == 3U || type == 8U ? 2 : 4;  // SHORT, SSHORT; LONG, SLONG
    if (size == 4 && type != 4U && type != 9U) return upright;  // no whole number
    if (count == 0U) continue;
    const bool is_inside = count && *count <= 4 / size;
    const auto place = is_inside ? std::optional<std::uint32_t>(entry + 8) : bytes.number(entry + 8, 4);
    const auto value = place ? bytes.number(*place, size) : std::nullopt;
    if (value) return *value >= 1 && *value <= 8 ? static_cast<int>(*value) : upright;
  }
  return std::nullopt;
}

std::optional<int> find_xmp_orientation(std::string_view xmp) {
  constexpr std::string_view name = "tiff:Orientation";
  for (auto at = xmp.find(name); at != xmp.npos; at = xmp.find(name, at)) {
    at += name.size();
    const auto rest = xmp.substr(at);
    const std::size_t start = rest.starts_with("=\"") ? 2 : rest.starts_with('>') ? 1 : rest.size();
    if (start >= rest.size() || rest[start] < '0' || rest[start] > '9') continue;
    const int value = rest[start] - '0';
    return value >= 1 && value <= 8 ? value : upright;
  }
  return std::nullopt;
}

}  // namespace

int read_orientation(std::span<const std::uint8_t> exif, std::string_view xmp) {
  if (const auto value = find_exif_orientation(exif)) return *value;
  return find_xmp_orientation(xmp).value_or(upright);
}

bool swaps_sides(int orientation) { return orientation >= 5; }

ImageSize upright_size(const PictureHeader& header) {
  const auto [width, height] = header.stored;
  return swaps_sides(header.orientation) ? ImageSize{.width = height, .height = width} : header.stored;
}

Image make_upright(Image stored, int orientation) {
  if (orientation == upright) return stored;
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
  Image turned{.width = swaps_sides(orientation) ? stored.height : stored.width,
               .height = swaps_sides(orientation) ? stored.width : stored.height};
  turned.rgb.resize(stored.rgb.size());
  auto* to = turned.rgb.data();
  for (std::ptrdiff_t y = 0; y < turned.height; ++y) {
    const auto* from = stored.rgb.data() + walk.start + y * walk.step_y;
    for (std::ptrdiff_t x = 0; x < turned.width; ++x, to += 3) {
      const auto* pixel = from + x * walk.step_x;
      to[0] = pixel[0];
      to[1] = pixel[1];
      to[2] = pixel[2];
    }
  }
  return turned;
}

Image mirror(Image image) { return make_upright(std::move(image), 2); }

Rect make_upright(const Rect& part, ImageSize stored, int orientation) {
  const auto width = static_cast<float>(stored.width);
  const auto height = static_cast<float>(stored.height);
  const bool is_mirrored = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool is_upside_down = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Rect turned = part;
  if (is_mirrored) {
    turned.left = width - part.right;
    turned.right = width - part.left;
  }
  if (is_upside_down) {
    turned.top = height - part.bottom;
    turned.bottom = height - part.top;
  }
  if (!swaps_sides(orientation)) return turned;
  return {.left = turned.top, .top = turned.left, .right = turned.bottom, .bottom = turned.right};
}

}  // namespace scatlight::data
