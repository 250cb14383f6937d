#include "data/image_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <numbers>
#include <utility>

namespace scatlight::data {
namespace {

// ---- moved pixels ----

/// Pixel (x, y) comes from (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]), both counted from the upper left
/// corner to centres of pixels.
using Affine = std::array<double, 6>;

Image move(const Image& image, const Affine& m) {
  // Pillow's numbers have 16 bits behind the point.
  const auto fixed = [](double x) { return static_cast<std::int64_t>(std::floor(x * 65536 + 0.5)); };
  const auto source = [](std::int64_t x) { return static_cast<int>(x >> 16); };
  Image moved{.width = image.width, .height = image.height, .rgb = {}};
  moved.rgb.resize(image.rgb.size());
  const auto pitch = static_cast<std::size_t>(image.width);
  auto first_x = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5);
  auto first_y = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
  auto* to = moved.rgb.data();
  for (int y = 0; y < image.height; ++y, first_x += fixed(m[1]), first_y += fixed(m[4])) {
    auto from_x = first_x;
    auto from_y = first_y;
    for (int x = 0; x < image.width; ++x, to += 3, from_x += fixed(m[0]), from_y += fixed(m[3])) {
      const int column = source(from_x);
      const int row = source(from_y);
      if (column < 0 || column >= image.width || row < 0 || row >= image.height) continue;
      const auto pixel = static_cast<std::size_t>(row) * pitch + static_cast<std::size_t>(column);
      std::copy_n(image.rgb.data() + 3 * pixel, 3, to);
    }
  }
  return moved;
}

/// By torchvision's way through degrees, whose rounding is a part of the numbers.
double shear_of(double magnitude) {
  constexpr double degree = std::numbers::pi / 180;
  return std::tan(std::atan(magnitude) * (180 / std::numbers::pi) * degree);
}

/// Python's round(x, 15).
double round_15(double x) { return std::strtod(fmt::format("{:.15f}", x).c_str(), nullptr); }

Image rotate(const Image& image, double degrees) {
  degrees = std::fmod(degrees, 360);
  if (degrees < 0) degrees += 360;
  if (degrees == 0) return image;
  const double angle = -(degrees * (std::numbers::pi / 180));
  const double cosine = round_15(std::cos(angle));
  const double sine = round_15(std::sin(angle));
  const double minus_sine = round_15(-std::sin(angle));
  const double x = image.width / 2.0;
  const double y = image.height / 2.0;
  return move(image, {cosine, sine, cosine * -x + sine * -y + x, minus_sine, cosine,
                      minus_sine * -x + cosine * -y + y});
}

// ---- levels ----

using Levels = std::array<std::uint8_t, 256>;
using Histogram = std::array<std::int64_t, 256>;

template <class Of>
Levels make_levels(const Of& of) {
  Levels levels;
  for (int level = 0; level < 256; ++level)
    levels[static_cast<std::size_t>(level)] =
        static_cast<std::uint8_t>(std::clamp<std::int64_t>(of(level), 0, 255));
  return levels;
}

/// Each colour by its own table.
Image map_levels(Image image, const std::array<Levels, 3>& levels) {
  for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = levels[i % 3][image.rgb[i]];
  return image;
}

Image map_levels(Image image, const Levels& levels) {
  return map_levels(std::move(image), {levels, levels, levels});
}

std::array<Histogram, 3> histograms(const Image& image) {
  std::array<Histogram, 3> counts = {};
  for (std::size_t i = 0; i < image.rgb.size(); ++i) ++counts[i % 3][image.rgb[i]];
  return counts;
}

template <class LevelsOf>
Image by_histograms(const Image& image, const LevelsOf& levels_of) {
  const auto counts = histograms(image);
  return map_levels(image, {levels_of(counts[0]), levels_of(counts[1]), levels_of(counts[2])});
}

Levels stretch(const Histogram& counts) {
  const auto is_there = [](std::int64_t count) { return count > 0; };
  const auto low = std::ranges::find_if(counts, is_there) - counts.begin();
  const auto high = 255 - (std::find_if(counts.rbegin(), counts.rend(), is_there) - counts.rbegin());
  if (high <= low) return make_levels([](int level) { return level; });
  const double scale = 255.0 / static_cast<double>(high - low);
  const double offset = -static_cast<double>(low) * scale;
  return make_levels([&](int level) { return static_cast<std::int64_t>(level * scale + offset); });
}

Levels equalize(const Histogram& counts) {
  std::int64_t sum = 0;
  std::int64_t last = 0;
  for (const auto count : counts) {
    sum += count;
    if (count > 0) last = count;
  }
  // With one level alone there is nothing before the last.
  const auto step = (sum - last) / 255;
  if (step == 0) return make_levels([](int level) { return level; });
  auto n = step / 2;
  return make_levels([&](int level) {
    const auto result = n / step;
    n += counts[static_cast<std::size_t>(level)];
    return result;
  });
}

// ---- between two pictures ----

/// From `other` through the picture and beyond: 0 is the former, 1 the latter.
Image blend(Image other, const Image& image, double factor) {
  const auto share = static_cast<float>(factor);
  if (share == 1) return image;
  for (std::size_t i = 0; i < image.rgb.size(); ++i) {
    const int from = other.rgb[i];
    const float level = static_cast<float>(from) + share * static_cast<float>(image.rgb[i] - from);
    other.rgb[i] = static_cast<std::uint8_t>(std::clamp(level, 0.0F, 255.0F));
  }
  return other;
}

Image all_black(const Image& image) {
  return {.width = image.width, .height = image.height, .rgb = std::vector<std::uint8_t>(image.rgb.size())};
}

Image grey(Image image) {
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) {
    const auto* rgb = image.rgb.data() + i;
    const int level = (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16;
    std::fill_n(image.rgb.begin() + static_cast<std::ptrdiff_t>(i), 3, static_cast<std::uint8_t>(level));
  }
  return image;
}

Image mean_grey(const Image& image) {
  auto result = grey(image);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < result.rgb.size(); i += 3) sum += result.rgb[i];
  const auto pixels = std::ssize(result.rgb) / 3;
  std::ranges::fill(result.rgb, static_cast<std::uint8_t>((2 * sum + pixels) / (2 * pixels)));
  return result;
}

/// Each pixel counts 5, its neighbours 1 each; the pixels at the edges stay.
Image smooth(const Image& image) {
  auto result = image;
  const auto row = 3 * static_cast<std::ptrdiff_t>(image.width);
  for (int y = 1; y < image.height - 1; ++y) {
    for (std::ptrdiff_t x = 3; x < row - 3; ++x) {
      const auto* centre = image.rgb.data() + y * row + x;
      int sum = 4 * *centre;
      for (const auto line : {-row, std::ptrdiff_t{0}, row})
        sum += centre[line - 3] + centre[line] + centre[line + 3];
      result.rgb[static_cast<std::size_t>(y * row + x)] = static_cast<std::uint8_t>((2 * sum + 13) / 26);
    }
  }
  return result;
}

}  // namespace

Image apply(Operation operation, double magnitude, const Image& image) {
  switch (operation) {
    case Operation::Identity:
      return image;
    case Operation::ShearX:
      return move(image, {1, shear_of(magnitude), 0, 0, 1, 0});
    case Operation::ShearY:
      return move(image, {1, 0, 0, shear_of(magnitude), 1, 0});
    case Operation::TranslateX:
      return move(image, {1, 0, -std::trunc(magnitude), 0, 1, 0});
    case Operation::TranslateY:
      return move(image, {1, 0, 0, 0, 1, -std::trunc(magnitude)});
    case Operation::Rotate:
      return rotate(image, magnitude);
    case Operation::Brightness:
      return blend(all_black(image), image, 1 + magnitude);
    case Operation::Color:
      return blend(grey(image), image, 1 + magnitude);
    case Operation::Contrast:
      return blend(mean_grey(image), image, 1 + magnitude);
    case Operation::Sharpness:
      return blend(smooth(image), image, 1 + magnitude);
    case Operation::Posterize: {
      const int mask = ~((1 << (8 - static_cast<int>(magnitude))) - 1);
      return map_levels(image, make_levels([&](int level) { return level & mask; }));
    }
    case Operation::Solarize:
      return map_levels(image,
                        make_levels([&](int level) { return level < magnitude ? level : 255 - level; }));
    case Operation::AutoContrast:
      return by_histograms(image, stretch);
    case Operation::Equalize:
      return by_histograms(image, equalize);
    case Operation::Invert:
      return map_levels(image, make_levels([](int level) { return 255 - level; }));
  }
  std::abort();
}

}  // namespace scatlight::data
