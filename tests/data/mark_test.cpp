#include "data/mark.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "data/glyphs.h"

namespace scatlight::data {
namespace {

Image grey(int width, int height) {
  return {.width = width,
          .height = height,
          .rgb = std::vector<std::uint8_t>(static_cast<std::size_t>(3 * width * height), 128)};
}

MarkColour pixel(const Image& image, int x, int y) {
  const auto* rgb = &image.rgb[static_cast<std::size_t>(3 * (y * image.width + x))];
  return {rgb[0], rgb[1], rgb[2]};
}

constexpr MarkColour red = {255, 0, 0};
constexpr MarkColour untouched = {128, 128, 128};

TEST(Glyphs, AreAllDifferent) {
  std::set<std::string> glyphs;
  for (int c = 0x20; c < 0x80; ++c) {
    std::string ink;
    for (int y = 0; y < glyph_height; ++y) {
      for (int x = 0; x < glyph_width; ++x) ink += glyph_has_ink(static_cast<char>(c), x, y) ? '#' : ' ';
    }
    glyphs.insert(ink);
  }
  EXPECT_EQ(glyphs.size(), 96U);
  for (const auto row : glyph_rows) EXPECT_EQ(row.size(), 16U * (glyph_width + 1) - 1);
}

TEST(Mark, PaintsAFrameAlongTheInsideOfItsBox) {
  auto image = grey(100, 100);
  const std::vector<Mark> marks = {{.box = {20, 30, 60, 80}, .colour = red}};
  mark(image, marks);
  for (const auto& [x, y] : {std::pair{20, 30}, {59, 30}, {20, 79}, {59, 79}, {40, 30}, {20, 50}}) {
    EXPECT_EQ(pixel(image, x, y), red) << x << " " << y;
  }
  EXPECT_EQ(pixel(image, 40, 50), untouched);
  EXPECT_EQ(pixel(image, 17, 50), untouched);
  EXPECT_EQ(pixel(image, 62, 50), untouched);
  EXPECT_LT(pixel(image, 19, 50)[1], 128) << "a dark line at its side";
}

TEST(Mark, PutsTagsWhereTheyAreSeenAndApart) {
  auto image = grey(100, 100);
  const std::vector<Mark> marks = {{.box = {20, 40, 60, 80}, .text = "H", .colour = red},
                                   {.box = {20, 40, 50, 70}, .text = "H", .colour = {0, 0, 255}},
                                   {.box = {90, 0, 100, 10}, .text = "wide", .colour = {0, 255, 0}}};
  mark(image, marks);
  EXPECT_EQ(pixel(image, 20, 39), red) << "above";
  EXPECT_EQ(pixel(image, 22, 31), (MarkColour{255, 255, 255})) << "the stem of the H, light on red";
  EXPECT_EQ(pixel(image, 24, 31), red) << "beside it";
  EXPECT_EQ(pixel(image, 22, 42), (MarkColour{0, 0, 255})) << "the next one in the box";
  int green = 0;
  for (int x = 0; x < 100; ++x) green += pixel(image, x, 11) == MarkColour{0, 255, 0} ? 1 : 0;
  EXPECT_GT(green, 20) << "moved left to be whole";
}

TEST(Mark, CutsOffWhatLiesOutside) {
  auto image = grey(9, 7);
  const float huge = 3e38F;
  const std::vector<Mark> marks = {{.box = {-5, -5, 20, 20}, .text = "longer than the picture"},
                                   {.box = {-huge, -huge, huge, huge}, .text = "\xC3\xBC\xFF\n"},
                                   {.box = {4, 4, 4, 4}, .text = " "},
                                   {.box = {6, 6, 2, 2}, .text = "x"}};
  mark(image, marks);
  EXPECT_EQ(image.rgb.size(), 3U * 9 * 7);
}

TEST(Mark, ColoursOfLabelsAreDifferent) {
  std::set<MarkColour> colours;
  for (int label = 0; label < 24; ++label) colours.insert(label_colour(label));
  EXPECT_EQ(colours.size(), 12U);
}

}  // namespace
}  // namespace scatlight::data
