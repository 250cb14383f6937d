#include "data/recipe.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "data/pictures.h"
#include "support/expect_error.h"

namespace scatlight::data {
namespace {

using test::draw_picture;
using test::expect_error;
using test::to_jpeg;
using test::to_png;

std::vector<float> normalize(const Recipe& recipe, const Image& image) {
  std::vector<float> result(image.rgb.size(), std::numeric_limits<float>::quiet_NaN());
  const ImageSize size{.width = image.width, .height = image.height};
  recipe.normalizer().write(image.rgb, size, result, size);
  return result;
}

std::vector<float> augment(const EncodedImage& image, const RecipeOptions& options, std::uint64_t index) {
  const Recipe recipe(options);
  CounterRandom random(3, 0, index);
  return normalize(recipe, recipe.augment(image, random));
}

/// Mean 0 and deviation 1/255, so that results are levels.
RecipeOptions in_levels(int size) {
  return {.size = size, .mean = {0, 0, 0}, .deviation = {1.0F / 255, 1.0F / 255, 1.0F / 255}};
}

TEST(Recipe, RefusesOptionsOutOfRange) {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  const auto refuses = [](RecipeOptions options, std::string_view text) {
    expect_error([&] { const Recipe recipe(options); }, text);
  };
  refuses({.size = 0}, "image size 0: 1 to 8192 is accepted");
  refuses({.size = 8193}, "image size 8193");
  refuses({.size = 224, .resize = 223}, "short side 223 before the centre crop: 224 (the image size) to");
  refuses({.smallest_area = 0}, "the area of a random crop is 0 to 1");
  refuses({.smallest_area = 0.5, .largest_area = 0.4}, "an ascending range");
  refuses({.largest_area = 1.1}, "the area of a random crop");
  refuses({.smallest_area = nan}, "the area of a random crop");
  refuses({.smallest_ratio = -1}, "the ratio of a random crop");
  refuses({.flip = 1.5}, "flip probability 1.5: 0 to 1 is accepted");
  refuses({.flip = nan}, "flip probability nan");
  refuses({.deviation = {1, 0, 1}}, "a deviation above 0");
}

TEST(Recipe, ResolvesTheShortSideInThePapersProportion) {
  EXPECT_EQ(Recipe({}).options().resize, 256);
  EXPECT_EQ(Recipe({.size = 112}).options().resize, 128);
  EXPECT_EQ(Recipe({.size = 1}).options().resize, 1);
  EXPECT_EQ(Recipe({.size = 112, .resize = 112}).options().resize, 112);
}

TEST(Recipe, EvaluateOfAPictureOfTheRightSizeOnlyNormalizes) {
  const auto image = draw_picture(32);
  const Recipe recipe({.size = 32, .resize = 32});
  EXPECT_EQ(recipe.evaluate(image).rgb, image.rgb);
  const auto result = normalize(recipe, image);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < 32 * 32; ++i) {
      const float level = static_cast<float>(image.rgb[3 * i + c]) / 255;
      ASSERT_EQ(result[c * 32 * 32 + i], (level - recipe.options().mean[c]) / recipe.options().deviation[c]);
    }
  }
}

TEST(Recipe, AugmentIsAFunctionOfItsNumbersAlone) {
  const EncodedImage image(to_jpeg(draw_picture(90, 70, 0)), "a");
  const auto once = augment(image, {.size = 24}, 5);
  EXPECT_EQ(augment(image, {.size = 24}, 5), once);
  EXPECT_NE(augment(image, {.size = 24}, 6), once);
}

TEST(Recipe, FlipsAsOftenAsAskedAndMirrorsExactly) {
  const EncodedImage image(to_png(draw_picture(40)), "a");
  auto never = in_levels(16);
  never.flip = 0;
  auto always = never;
  always.flip = 1;
  auto mirrored = augment(image, always, 0);
  for (auto row = mirrored.begin(); row != mirrored.end(); row += 16) std::reverse(row, row + 16);
  EXPECT_EQ(mirrored, augment(image, never, 0));

  int flipped = 0;
  constexpr int draws = 1000;
  for (std::uint64_t i = 0; i < draws; ++i) {
    flipped += augment(image, in_levels(16), i) != augment(image, never, i) ? 1 : 0;
  }
  EXPECT_NEAR(flipped, draws / 2.0, 4 * std::sqrt(draws / 4.0));
}

TEST(Recipe, CropsLieInThePicture) {
  const Recipe recipe({});
  for (const ImageSize size :
       {ImageSize{1, 1}, ImageSize{30000, 1}, ImageSize{1, 30000}, ImageSize{3, 2}, ImageSize{500, 375}}) {
    for (std::uint64_t i = 0; i < 500; ++i) {
      CounterRandom random(0, 1, i);
      const auto crop = recipe.draw_crop(size, random);
      ASSERT_GE(std::min(crop.left, crop.top), 0);
      ASSERT_GE(std::min(crop.width, crop.height), 1);
      ASSERT_LE(crop.left + crop.width, size.width);
      ASSERT_LE(crop.top + crop.height, size.height);
    }
  }
  // A range that rounds to nothing on a small picture still gives a pixel.
  const Recipe thin({.smallest_ratio = 0.001, .largest_ratio = 0.002});
  CounterRandom random(0, 0, 0);
  EXPECT_GE(thin.draw_crop({20, 20}, random).width, 1);
}

// What leaving out the fine coefficients costs: the result differs from that of the whole picture about as
// much as another interpolation would.
TEST(Recipe, ReducedDecodingIsCloseToTheWhole) {
  for (const ImageSize size : {ImageSize{384, 384}, ImageSize{449, 383}, ImageSize{283, 512}}) {
    const EncodedImage image(to_jpeg(draw_picture(size.width, size.height, 2)), "a");
    double sum = 0;
    double worst = 0;
    int reduced = 0;
    for (std::uint64_t i = 0; i < 60; ++i) {
      auto options = in_levels(48);
      const auto ours = augment(image, options, i);
      options.reduced_decoding = false;
      const auto whole = augment(image, options, i);
      if (ours == whole) continue;  // a crop too small for it
      const double difference = test::mean_difference(ours, whole);
      sum += difference;
      worst = std::max(worst, difference);
      ++reduced;
    }
    fmt::print("  {} x {}: {} of 60 reduced, mean difference {:.2f} levels, of the worst crop {:.2f}\n",
               size.width, size.height, reduced, sum / reduced, worst);
    EXPECT_GT(reduced, 40);
    EXPECT_LT(sum / reduced, 2);
    EXPECT_LT(worst, 4);
  }
}

TEST(Recipe, ReducedDecodingKeepsPlaces) {
  // A ramp from left to right: a shift of one whole pixel would show as 255 / 450 levels everywhere.
  Image ramp{.width = 451, .height = 333};
  for (int y = 0; y < ramp.height; ++y) {
    for (int x = 0; x < ramp.width; ++x)
      ramp.rgb.insert(ramp.rgb.end(), 3, static_cast<std::uint8_t>(x * 255 / 450));
  }
  const EncodedImage image(to_jpeg(ramp, 100), "ramp");
  double bias = 0;
  int count = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    auto options = in_levels(32);
    options.flip = 0;
    const auto ours = augment(image, options, i);
    options.reduced_decoding = false;
    const auto whole = augment(image, options, i);
    for (std::size_t k = 0; k < ours.size(); ++k, ++count) bias += double(ours[k]) - double(whole[k]);
  }
  EXPECT_LT(std::abs(bias / count), 0.05);
}

TEST(Recipe, TakesThePicturesOfAnySize) {
  for (const ImageSize size : {ImageSize{1, 1}, ImageSize{2000, 1}, ImageSize{1, 2000}, ImageSize{5, 3}}) {
    const EncodedImage image(to_jpeg(draw_picture(size.width, size.height, 0)), "a");
    const Recipe recipe({.size = 24});
    const auto result = normalize(recipe, recipe.evaluate(image.decode()));
    EXPECT_EQ(result.size(), 3 * 24 * 24U);
    EXPECT_TRUE(std::ranges::all_of(result, [](float x) { return std::isfinite(x); }));
    for (const float x : augment(image, {.size = 24}, 0)) EXPECT_TRUE(std::isfinite(x));
  }
}

}  // namespace
}  // namespace scatlight::data
