#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace scatlight::data {
namespace {

constexpr int fraction_bits = 22;  // 8 bits of pixel and 2 of headroom fill the 32
constexpr std::int32_t half = 1 << (fraction_bits - 1);

std::uint8_t round_to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> fraction_bits, 0, 255));
}

/// The source pixels that make each output pixel along one axis, and their weights in fixed point.
struct Taps {
  int most = 0;                      ///< Weights reserved for each output pixel.
  std::vector<int> first;            ///< First source pixel of each output pixel.
  std::vector<int> count;            ///< Source pixels of each output pixel, at most `most`.
  std::vector<std::int32_t> weight;  ///< (output pixels, most)
};

/// `begin` and `length` are the box along an axis of `side` pixels, `resized` what the box is resized to, and
/// the output pixels are window_begin ... window_begin + window_length - 1 of those.
Taps make_taps(int side, double begin, double length, int resized, int window_begin, int window_length) {
  // Counted from the box's first pixel, so that a box gives the very same weights as a picture cut out by it.
  const int origin = static_cast<int>(begin);
  begin -= origin;
  const int pixels = std::min(static_cast<int>(std::ceil(begin + length)), side - origin);
  const double scale = length / resized;
  const double support = std::max(scale, 1.0);
  Taps taps;
  taps.most = std::min(static_cast<int>(std::ceil(support)) * 2 + 1, pixels);
  taps.weight.resize(static_cast<std::size_t>(window_length) * static_cast<std::size_t>(taps.most));
  std::vector<double> row(static_cast<std::size_t>(taps.most));
  for (int i = 0; i < window_length; ++i) {
    const double center = begin + (window_begin + i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int count = std::min(static_cast<int>(center + support + 0.5), pixels) - first;
    double sum = 0;
    for (int k = 0; k < count; ++k) {
      const double distance = std::abs((k + first - center + 0.5) * (1 / support));
      row[static_cast<std::size_t>(k)] = distance < 1 ? 1 - distance : 0;
      sum += row[static_cast<std::size_t>(k)];
    }
    auto* weights = taps.weight.data() + static_cast<std::ptrdiff_t>(i) * taps.most;
    for (int k = 0; k < count; ++k) {
      const double share = row[static_cast<std::size_t>(k)] * (1 / sum);
      weights[k] = static_cast<std::int32_t>(share * (1 << fraction_bits) + 0.5);
    }
    taps.first.push_back(origin + first);
    taps.count.push_back(count);
  }
  return taps;
}

/// Resizes one row of RGB pixels.
void resize_row(const std::uint8_t* source, const Taps& taps, std::uint8_t* target) {
  for (std::size_t i = 0; i < taps.first.size(); ++i) {
    const auto* pixel = source + std::ptrdiff_t{3} * taps.first[i];
    const auto* weight = taps.weight.data() + i * static_cast<std::size_t>(taps.most);
    std::int32_t red = half;
    std::int32_t green = half;
    std::int32_t blue = half;
    for (int k = 0; k < taps.count[i]; ++k, pixel += 3) {
      red += weight[k] * pixel[0];
      green += weight[k] * pixel[1];
      blue += weight[k] * pixel[2];
    }
    target[3 * i] = round_to_byte(red);
    target[3 * i + 1] = round_to_byte(green);
    target[3 * i + 2] = round_to_byte(blue);
  }
}

/// One output row from `count` rows of `length` bytes, `pitch` apart.
void blend_rows(const std::uint8_t* rows, std::ptrdiff_t pitch, const std::int32_t* weight, int count,
                std::size_t length, std::int32_t* sums, std::uint8_t* target) {
  std::fill_n(sums, length, half);
  for (int k = 0; k < count; ++k, rows += pitch) {
    const auto w = weight[k];
    for (std::size_t i = 0; i < length; ++i) sums[i] += w * rows[i];
  }
  for (std::size_t i = 0; i < length; ++i) target[i] = round_to_byte(sums[i]);
}

}  // namespace

Image resize(const Image& image, const Box& box, ImageSize size, const Window& window) {
  const auto columns = make_taps(image.width, box.left, box.width, size.width, window.left, window.width);
  const auto rows = make_taps(image.height, box.top, box.height, size.height, window.top, window.height);
  // Taps move forward only, so the rows that are needed lie between the first's first and the last's last.
  const int first_row = rows.first.front();
  const int row_count = rows.first.back() + rows.count.back() - first_row;

  const auto pitch = std::size_t{3} * static_cast<std::size_t>(window.width);
  std::vector<std::uint8_t> narrow(pitch * static_cast<std::size_t>(row_count));
  for (int y = 0; y < row_count; ++y) {
    const auto* source = image.rgb.data() + std::ptrdiff_t{3} * image.width * (first_row + y);
    resize_row(source, columns, narrow.data() + pitch * static_cast<std::size_t>(y));
  }

  Image result{.width = window.width, .height = window.height};
  result.rgb.resize(pitch * static_cast<std::size_t>(window.height));
  std::vector<std::int32_t> sums(pitch);
  for (int y = 0; y < window.height; ++y) {
    const auto index = static_cast<std::size_t>(y);
    blend_rows(narrow.data() + pitch * static_cast<std::size_t>(rows.first[index] - first_row),
               static_cast<std::ptrdiff_t>(pitch),
               rows.weight.data() + index * static_cast<std::size_t>(rows.most), rows.count[index], pitch,
               sums.data(), result.rgb.data() + pitch * index);
  }
  return result;
}

Image resize(const Image& image, const Box& box, ImageSize size) {
  return resize(image, box, size, {.width = size.width, .height = size.height});
}

}  // namespace scatlight::data
