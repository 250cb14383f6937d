#include "analysis/picture.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/filter_picture.h"

namespace scatlight::analysis {
namespace {

int lightness(Color color) { return 299 * color.red + 587 * color.green + 114 * color.blue; }

TEST(Picture, ColoursGoFromEndToEnd) {
  EXPECT_EQ(lightness(heat(0)), 0);
  EXPECT_EQ(lightness(heat(1)), 255000);
  for (int i = 1; i <= 20; ++i) EXPECT_GT(lightness(heat(i / 20.0)), lightness(heat((i - 1) / 20.0)));
  EXPECT_EQ(lightness(diverging(0)), 255000);
  EXPECT_GT(diverging(0.7).red, diverging(0.7).blue);
  EXPECT_LT(diverging(-0.7).red, diverging(-0.7).blue);
  EXPECT_EQ(grey_level(2).red, 255);
}

TEST(Picture, NothingIsDrawnOutside) {
  Picture picture(10, 12);
  const auto before = picture.rgb;
  picture.set(-1, 0, {});
  picture.set(0, 12, {});
  picture.write("12", 50, 0, 2, {});
  picture.paste(Picture(3, 3, {}), 10, 0);
  EXPECT_EQ(picture.rgb, before);
  picture.write("1", 0, 0, 1, {});
  EXPECT_EQ(std::ranges::count(picture.rgb, 0), 3 * 10);
}

// Any number of scales and angles gives a page of the same width.
TEST(Picture, GalleriesAreDrawnForAnyBank) {
  for (const int angles : {1, 5, 40}) {
    const PeriodicBank bank({.height = 32, .width = 48, .scales = 2, .angles = angles});
    for (const auto& picture : {draw_filters_in_space(bank), draw_filters_in_frequency(bank)}) {
      EXPECT_EQ(picture.width, 1000);
      EXPECT_EQ(picture.rgb.size(), static_cast<std::size_t>(picture.height) * picture.width * 3);
      EXPECT_GT(std::ranges::count_if(picture.rgb, [](auto byte) { return byte < 200; }), 1000);
    }
  }
  EXPECT_EQ(draw_frame(littlewood_paley({.height = 16, .width = 16})).width, 1000);
  EXPECT_EQ(draw_blobs({round_blob(2), round_blob(3)}, 32, 32).width, 1000);
}

}  // namespace
}  // namespace scatlight::analysis
