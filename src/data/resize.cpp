#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "data/resize_kernels.h"

namespace scatlight::data {
namespace {

/// Half upwards, as Pillow rounds.
int round_half_up(double x) { return static_cast<int>(std::floor(x + 0.5)); }

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
    const int first = std::max(round_half_up(center - support), 0);
    const int count = std::min(round_half_up(center + support), pixels) - first;
    double sum = 0;
    for (int k = 0; k < count; ++k) {
      const double distance = std::abs((k + first - center + 0.5) * (1 / support));
      row[static_cast<std::size_t>(k)] = distance < 1 ? 1 - distance : 0;
      sum += row[static_cast<std::size_t>(k)];
    }
    auto* weights = taps.weight.data() + static_cast<std::ptrdiff_t>(i) * taps.most;
    for (int k = 0; k < count; ++k) {
      const double share = row[static_cast<std::size_t>(k)] * (1 / sum);
      weights[k] = round_half_up(share * (1 << resize_fraction_bits));
    }
    taps.first.push_back(origin + first);
    taps.count.push_back(count);
  }
  return taps;
}

const ResizeKernels& best_kernels() {
  static const auto& best = available_resize_kernels().back();
  return best;
}

/// Makes the columns of `columns` from the rows first ... first + count - 1 of an image.
Image resize_along_rows(const Image& image, const Taps& columns, int first, int count) {
  const auto& kernels = best_kernels();
  Image result{.width = static_cast<int>(columns.first.size()), .height = count};
  result.rgb.resize(std::size_t{3} * columns.first.size() * static_cast<std::size_t>(count));
  auto* to = result.rgb.data();
  const auto pitch = std::ptrdiff_t{3} * image.width;
  for (int y = first; y < first + count; ++y, to += std::ptrdiff_t{3} * result.width) {
    const auto* from = image.rgb.data() + pitch * y;
    if (y + 1 < image.height) {
      kernels.along_row(from, columns, to);
    } else {
      std::vector<std::uint8_t> last(from, from + pitch);
      last.push_back(0);  // kernels may read a byte more
      kernels.along_row(last.data(), columns, to);
    }
  }
  return result;
}

/// Makes the rows of `rows` from the columns first ... first + count - 1 of an image.
Image resize_across_rows(const Image& image, const Taps& rows, int first, int count) {
  const auto& kernels = best_kernels();
  Image result{.width = count, .height = static_cast<int>(rows.first.size())};
  const auto length = std::size_t{3} * static_cast<std::size_t>(count);
  result.rgb.resize(length * rows.first.size());
  const auto pitch = std::ptrdiff_t{3} * image.width;
  for (std::size_t y = 0; y < rows.first.size(); ++y) {
    const auto* from = image.rgb.data() + pitch * rows.first[y] + std::ptrdiff_t{3} * first;
    kernels.across_rows(from, pitch, rows.weights(y), length, result.rgb.data() + length * y);
  }
  return result;
}

/// Counts the taps from their first source pixel, and returns which that was and how many they span.
std::pair<int, int> move_to_front(Taps& taps) {
  const int first = taps.first.front();
  const int end = taps.first.back() + taps.count.back();
  for (auto& pixel : taps.first) pixel -= first;
  return {first, end - first};
}

}  // namespace

Image resize(const Image& image, const Box& box, ImageSize size, const Window& window) {
  auto columns = make_taps(image.width, box.left, box.width, size.width, window.left, window.width);
  auto rows = make_taps(image.height, box.top, box.height, size.height, window.top, window.height);
  // The order of Pillow 13, found by experiment: across rows first when they lose twice as many as columns
  // do.
  const bool across_first =
      size.height < box.height && 2 * (box.width - size.width) < box.height - size.height;
  if (across_first) {
    const auto [first, count] = move_to_front(columns);
    return resize_along_rows(resize_across_rows(image, rows, first, count), columns, 0, window.height);
  }
  const auto [first, count] = move_to_front(rows);
  return resize_across_rows(resize_along_rows(image, columns, first, count), rows, 0, window.width);
}

Image resize(const Image& image, const Box& box, ImageSize size) {
  return resize(image, box, size, {.width = size.width, .height = size.height});
}

Image resize_centre_square(const Image& image, int size) {
  const int side = std::min(image.width, image.height);
  const int left = (image.width - side) / 2;
  const int top = (image.height - side) / 2;
  const Box square{.left = static_cast<double>(left),
                   .top = static_cast<double>(top),
                   .width = static_cast<double>(side),
                   .height = static_cast<double>(side)};
  return resize(image, square, {.width = size, .height = size});
}

}  // namespace scatlight::data
