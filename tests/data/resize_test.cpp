#include "data/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "data/resize_kernels.h"

namespace scatlight::data {
namespace {

Image noise(int width, int height, std::uint64_t seed) {
  Image image{.width = width, .height = height};
  image.rgb.resize(std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  std::mt19937_64 random(seed);
  for (auto& byte : image.rgb) byte = static_cast<std::uint8_t>(random());
  return image;
}

Image cut(const Image& image, const Window& part) {
  Image result{.width = part.width, .height = part.height};
  for (int y = part.top; y < part.top + part.height; ++y) {
    const auto row = image.rgb.begin() + std::ptrdiff_t{3} * (std::ptrdiff_t{y} * image.width + part.left);
    result.rgb.insert(result.rgb.end(), row, row + std::ptrdiff_t{3} * part.width);
  }
  return result;
}

/// The definition, in doubles, of one sample: a triangle of at least one pixel's half width around the output
/// pixel's centre, inside the box.
double defined_sample(const Image& image, const Box& box, ImageSize size, int x, int y, std::size_t channel) {
  const double step_x = box.width / size.width;
  const double step_y = box.height / size.height;
  const double center_x = box.left + (x + 0.5) * step_x;
  const double center_y = box.top + (y + 0.5) * step_y;
  const auto weight = [](double distance, double step) {
    return std::max(0.0, 1 - std::abs(distance) / std::max(step, 1.0));
  };
  double sum = 0;
  double total = 0;
  for (int v = static_cast<int>(box.top); v < std::ceil(box.top + box.height); ++v) {
    for (int u = static_cast<int>(box.left); u < std::ceil(box.left + box.width); ++u) {
      const double w = weight(u + 0.5 - center_x, step_x) * weight(v + 0.5 - center_y, step_y);
      sum += w * image.rgb[static_cast<std::size_t>(3 * (v * image.width + u)) + channel];
      total += w;
    }
  }
  return sum / total;
}

struct Case {
  Box box;
  ImageSize size;
};

class Resize : public testing::TestWithParam<Case> {};

TEST_P(Resize, IsTheTriangleFilterWithinOneLevel) {
  const auto image = noise(61, 47, 1);
  const auto& [box, size] = GetParam();
  const auto result = resize(image, box, size);
  ASSERT_EQ(result.rgb.size(), static_cast<std::size_t>(3 * size.width * size.height));
  double worst = 0;
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      for (std::size_t c = 0; c < 3; ++c) {
        const auto ours = result.rgb[static_cast<std::size_t>(3 * (y * size.width + x)) + c];
        worst = std::max(worst, std::abs(ours - defined_sample(image, box, size, x, y, c)));
      }
    }
  }
  EXPECT_LE(worst, 1.0);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Resize,
                         testing::Values(Case{{0, 0, 61, 47}, {61, 47}}, Case{{0, 0, 61, 47}, {20, 20}},
                                         Case{{0, 0, 61, 47}, {97, 130}}, Case{{10, 5, 20, 40}, {32, 7}},
                                         Case{{5, 10, 50, 11}, {9, 33}}, Case{{60, 46, 1, 1}, {5, 3}},
                                         Case{{3, 3, 40, 40}, {1, 1}},
                                         Case{{2.5, 7.25, 31.5, 20.5}, {16, 16}},
                                         Case{{30.5, 20.5, 30.5, 26.5}, {44, 44}},
                                         Case{{0.25, 0.75, 1.5, 1.25}, {3, 3}}));

TEST(Resize, OfABoxIsThatOfThePictureCutOut) {
  const auto image = noise(50, 40, 2);
  for (const Window part : {Window{3, 4, 30, 20}, Window{20, 0, 30, 40}, Window{49, 39, 1, 1}}) {
    for (const ImageSize size : {ImageSize{24, 24}, ImageSize{7, 60}, ImageSize{60, 7}}) {
      const Box box{double(part.left), double(part.top), double(part.width), double(part.height)};
      const auto alone = cut(image, part);
      const auto expected = resize(alone, {.width = double(part.width), .height = double(part.height)}, size);
      EXPECT_EQ(resize(image, box, size).rgb, expected.rgb);
    }
  }
}

TEST(Resize, OfAWindowIsThatPartOfTheWhole) {
  const auto image = noise(50, 90, 3);
  const Box box{.width = 50, .height = 90};
  for (const ImageSize size : {ImageSize{40, 30}, ImageSize{30, 80}, ImageSize{80, 100}}) {
    const Window window{.left = 7, .top = 5, .width = 21, .height = 13};
    EXPECT_EQ(resize(image, box, size, window).rgb, cut(resize(image, box, size), window).rgb);
  }
}

TEST(Resize, KeepsAPictureOfTheSameSizeAndAFlatOne) {
  const auto image = noise(33, 21, 4);
  EXPECT_EQ(resize(image, {.width = 33, .height = 21}, {33, 21}).rgb, image.rgb);
  for (const std::uint8_t level : {0, 1, 127, 254, 255}) {
    Image flat{.width = 33, .height = 21};
    flat.rgb.assign(std::size_t{3} * 33 * 21, level);
    const auto result = resize(flat, {.left = 1, .top = 2, .width = 31, .height = 17}, {47, 5});
    EXPECT_TRUE(std::ranges::all_of(result.rgb, [&](auto byte) { return byte == level; }));
  }
}

/// Weights of any kind that add up to one, as resize() makes them.
Taps random_taps(int outputs, int source, std::mt19937_64& random) {
  Taps taps;
  taps.most = 9;
  for (int i = 0; i < outputs; ++i) {
    taps.count.push_back(1 + static_cast<int>(random() % 9));
    taps.first.push_back((source - 9) * i / std::max(outputs - 1, 1));
    std::int32_t left = 1 << resize_fraction_bits;
    for (int k = 0; k < taps.most; ++k) {
      const bool is_last = k + 1 == taps.count.back();
      const auto part = is_last ? left : static_cast<std::int32_t>(random() % (left + 1));
      taps.weight.push_back(k < taps.count.back() ? part : 0);
      left -= part;
      if (is_last) left = 0;
    }
  }
  return taps;
}

TEST(ResizeKernels, OfEveryInstructionSetGiveTheSameBytes) {
  std::mt19937_64 random(5);
  const auto& kernels = available_resize_kernels();
  ASSERT_EQ(kernels.front().name, "plain");
  for (const int width : {9, 10, 17, 64, 101}) {
    auto rows = noise(width, 9, 6);
    rows.rgb.push_back(0);
    const auto pitch = std::ptrdiff_t{3} * width;
    for (const int outputs : {1, 2, 5, 33}) {
      const auto taps = random_taps(outputs, width, random);
      // Guards behind the results show kernels that write too far.
      const auto along = [&](const ResizeKernels& kernel) {
        std::vector<std::uint8_t> result(static_cast<std::size_t>(3 * outputs) + 8, 0xAB);
        kernel.along_row(rows.rgb.data() + 8 * pitch, taps, result.data());
        return result;
      };
      const auto across = [&](const ResizeKernels& kernel, std::size_t length) {
        std::vector<std::uint8_t> result(length + 64, 0xAB);
        kernel.across_rows(rows.rgb.data(), pitch, taps.weights(0), length, result.data());
        return result;
      };
      for (const auto& kernel : kernels) {
        EXPECT_EQ(along(kernel), along(kernels.front())) << kernel.name;
        for (const std::size_t length : {std::size_t{1}, std::size_t{15}, std::size_t{27}}) {
          EXPECT_EQ(across(kernel, length), across(kernels.front(), length)) << kernel.name;
        }
        const auto all = static_cast<std::size_t>(pitch);
        EXPECT_EQ(across(kernel, all), across(kernels.front(), all)) << kernel.name;
      }
    }
  }
}

}  // namespace
}  // namespace scatlight::data
