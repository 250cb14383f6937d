#include "data/box_recipe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "data/pictures.h"
#include "support/expect_error.h"

namespace scatlight::data {
namespace {

using test::expect_error;

/// Mean 0 and deviation 1/255, so that results are levels.
BoxRecipeOptions in_levels(BoxRecipeOptions options) {
  options.mean = {0, 0, 0};
  options.deviation = {1.0F / 255, 1.0F / 255, 1.0F / 255};
  return options;
}

TEST(BoxRecipe, RefusesOptionsOutOfRange) {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  const auto refuses = [](const BoxRecipeOptions& options, std::string_view text) {
    expect_error([&] { const BoxRecipe recipe(options); }, text);
  };
  refuses({.short_side = 31}, "short side 31: 32 to 8192 is accepted");
  refuses({.long_side = 599}, "long side 599: 600 (the short side) to 16384 is accepted");
  refuses({.most_aspect = 0.9}, "most aspect 0.9: 1 to 1000 is accepted");
  refuses({.most_aspect = nan}, "most aspect nan");
  refuses({.flip = 2}, "flip probability 2: 0 to 1 is accepted");
  refuses({.deviation = {1, 0, 1}}, "a deviation above 0");
}

TEST(BoxRecipe, ResizesTheShortSideUnlessTheLongOneBecomesTooLong) {
  const BoxRecipe recipe({});
  EXPECT_EQ(recipe.evaluate({500, 375}).size, (ImageSize{800, 600}));
  EXPECT_EQ(recipe.evaluate({375, 500}).size, (ImageSize{600, 800}));
  EXPECT_EQ(recipe.evaluate({640, 427}).size, (ImageSize{899, 600}));
  EXPECT_EQ(recipe.evaluate({1200, 300}).size, (ImageSize{1200, 300}));
  EXPECT_EQ(recipe.evaluate({333, 3330}).size, (ImageSize{120, 1200}));
  expect_error(
      [&] { recipe.evaluate({3330, 80}); },
      "its 3330 x 80 pixels would become 1200 x 29 (long side 1200), but at least 32 per side are needed");
}

TEST(BoxRecipe, BoxesFollowResizeCropAndMirror) {
  const std::vector<Object> objects = {{.box = {10, 20, 30, 60}, .label = 3, .difficult = true, .area = 400},
                                       {.box = {0, 0, 99, 50}, .area = 99 * 50},
                                       {.box = {5.5, 90, 6, 91}, .area = 0.5}};
  const Framing resized{.window = {.width = 100, .height = 100}, .size = {200, 300}};
  const auto larger = follow(objects, resized);
  ASSERT_EQ(larger.size(), 3U);
  EXPECT_EQ(larger[0], (Object{.box = {20, 60, 60, 180}, .label = 3, .difficult = true, .area = 2400}));

  const Framing cropped{.window = {.left = 20, .top = 10, .width = 40, .height = 40}, .size = {40, 40}};
  const auto part = follow(objects, cropped);
  ASSERT_EQ(part.size(), 2U) << "the third lies outside";
  EXPECT_EQ(part[0].box, (Rect{0, 10, 10, 40}));
  EXPECT_EQ(part[0].area, 400 * 300.0 / 800) << "in proportion to the box";
  EXPECT_EQ(part[1].box, (Rect{0, 0, 40, 40}));

  const Framing mirrored{.window = {.width = 100, .height = 100}, .size = {100, 100}, .mirrored = true};
  const auto once = follow(objects, mirrored);
  EXPECT_EQ(once[0].box, (Rect{70, 20, 90, 60}));
  EXPECT_EQ(follow(once, mirrored), objects) << "twice is nothing";
}

TEST(BoxRecipe, LeavesOutAnObjectOfWhichLessThanAPixelIsInTheWindow) {
  const Framing framing{.window = {.left = 10, .top = 0, .width = 50, .height = 50}, .size = {500, 500}};
  const auto kept = [&](const Rect& box) {
    return follow(std::vector<Object>{{.box = box}}, framing).size();
  };
  EXPECT_EQ(kept({0, 0, 11, 20}), 1U);
  EXPECT_EQ(kept({0, 0, 10.5, 20}), 0U);
  EXPECT_EQ(kept({0, 0, 10, 20}), 0U);
  EXPECT_EQ(kept({20, 20, 20.5, 20.5}), 1U) << "small, but whole";
}

TEST(BoxRecipe, CutsLongPicturesToAWindowWithTheObjects) {
  const BoxRecipe recipe({.short_side = 100, .long_side = 200});
  const std::vector<Object> together = {
      {.box = {300, 10, 340, 50}}, {.box = {390, 0, 420, 90}}, {.box = {0, 0, 600, 100}, .crowd = true}};
  const std::vector<Object> apart = {{.box = {0, 10, 40, 50}}, {.box = {500, 0, 590, 90}}};
  const std::vector<Object> large = {{.box = {100, 10, 500, 50}}};
  int mirrored = 0;
  int first_of_apart = 0;
  int least = 600;
  int most = 0;
  constexpr int draws = 200;
  for (std::uint64_t i = 0; i < draws; ++i) {
    const auto frame = [&](std::span<const Object> objects) {
      CounterRandom random(1, 2, i);
      const auto framing = recipe.augment({600, 100}, objects, random);
      EXPECT_EQ(framing.size, (ImageSize{200, 100}));
      EXPECT_EQ(framing.window.width, 200);
      EXPECT_GE(framing.window.left, 0);
      EXPECT_LE(framing.window.left, 400);
      return framing;
    };
    const auto of_both = frame(together);
    mirrored += of_both.mirrored ? 1 : 0;
    EXPECT_LE(of_both.window.left, 300);
    EXPECT_GE(of_both.window.left + 200, 420);
    const auto one = follow(apart, frame(apart));
    ASSERT_EQ(one.size(), 1U);
    first_of_apart += one[0].box.width() == 40 ? 1 : 0;
    const auto within = frame(large).window.left;
    EXPECT_GE(within, 100);
    EXPECT_LE(within + 200, 500);
    const auto anywhere = frame({}).window.left;
    least = std::min(least, anywhere);
    most = std::max(most, anywhere);
  }
  EXPECT_NEAR(mirrored, draws / 2.0, 4 * std::sqrt(draws / 4.0));
  EXPECT_NEAR(first_of_apart, draws / 2.0, 4 * std::sqrt(draws / 4.0));
  EXPECT_LT(least, 30);
  EXPECT_GT(most, 370);
  CounterRandom random(0, 0, 0);
  EXPECT_EQ(recipe.augment({30, 600}, {}, random).size, (ImageSize{100, 200}));
  EXPECT_EQ(recipe.augment({150, 100}, {}, random).window.width, 150);
}

TEST(BoxRecipe, PaintsThePictureAtTheUpperLeftOfItsCanvas) {
  const auto picture = test::draw_picture(60, 40, 1);
  const EncodedImage encoded(test::to_png(picture), "a");
  const BoxRecipe recipe(in_levels({.short_side = 40, .long_side = 80}));
  for (const bool is_mirrored : {false, true}) {
    auto framing = recipe.evaluate({60, 40});
    framing.mirrored = is_mirrored;
    std::vector<float> canvas(3 * 64 * 64, std::numeric_limits<float>::quiet_NaN());
    recipe.paint(encoded, framing, true, canvas, {64, 64});
    for (std::size_t c = 0; c < 3; ++c) {
      for (int y = 0; y < 64; ++y) {
        for (int x = 0; x < 64; ++x) {
          const int from = is_mirrored ? 59 - x : x;
          const float expected =
              x < 60 && y < 40 ? picture.rgb[static_cast<std::size_t>(3 * (y * 60 + from)) + c] : 0;
          ASSERT_NEAR(canvas[(c * 64 + static_cast<std::size_t>(y)) * 64 + static_cast<std::size_t>(x)],
                      expected, 1e-4);
        }
      }
    }
  }
}

// A light square stays in its box, whatever part of the picture is taken, at whatever size, mirrored or not,
// decoded in whole or reduced.
TEST(BoxRecipe, PixelsAndBoxesGoTogether) {
  Image image{.width = 640, .height = 200, .rgb = std::vector<std::uint8_t>(std::size_t{3} * 640 * 200)};
  for (int y = 64; y < 128; ++y) {
    for (int x = 320; x < 384; ++x)
      std::fill_n(&image.rgb[static_cast<std::size_t>(3 * (y * 640 + x))], 3, 255);
  }
  const EncodedImage encoded(test::to_jpeg(image, 95), "a");
  const std::vector<Object> objects = {{.box = {320, 64, 384, 128}}};
  for (const int short_side : {50, 120, 300}) {
    const BoxRecipe recipe(in_levels({.short_side = short_side, .long_side = 2 * short_side}));
    for (std::uint64_t i = 0; i < 8; ++i) {
      CounterRandom random(4, 0, i);
      const auto framing = recipe.augment({640, 200}, objects, random);
      std::vector<float> canvas(3 * static_cast<std::size_t>(framing.size.width * framing.size.height));
      recipe.paint(encoded, framing, false, canvas, framing.size);
      const auto box = follow(objects, framing)[0].box;
      const auto level = [&](float x, float y) {
        return canvas[static_cast<std::size_t>(int(y) * framing.size.width + int(x))];
      };
      const float step = 0.2F * box.width();
      EXPECT_GT(level(box.left + step, box.top + step), 200);
      EXPECT_GT(level(box.right - step, box.bottom - step), 200);
      EXPECT_LT(level(box.left - step, box.top + step), 55);
      EXPECT_LT(level(box.left + step, box.top - step), 55);
      if (box.right + step < float(framing.size.width)) {
        EXPECT_LT(level(box.right + step, box.bottom - step), 55);
      }
    }
  }
}

}  // namespace
}  // namespace scatlight::data
