#include "data/box_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>
#include <utility>

#include "data/annotated.h"
#include "support/expect_error.h"

namespace scatlight::data {
namespace {

using test::expect_error;
using test::TemporaryFolder;

class BoxLoaderTest : public testing::Test {
 protected:
  static constexpr int count = 11;

  /// Every third picture is tall; the first one is long.
  BoxLoaderTest() : folder_{.classes = {"a", "b"}, .category_ids = {1, 2}} {
    for (int i = 0; i < count; ++i) {
      const auto picture = i == 0       ? test::draw_picture(150, 40, 0)
                           : i % 3 == 1 ? test::draw_picture(40, 48 + i, static_cast<std::uint64_t>(i))
                                        : test::draw_picture(60 + i, 40, static_cast<std::uint64_t>(i));
      BoxSample sample{.file = root_.add(fmt::format("{:02}.png", i), test::as_text(test::to_png(picture))),
                       .id = i + 1,
                       .size = {picture.width, picture.height}};
      for (int k = 0; k < i % 4; ++k) {
        sample.objects.push_back({.box = {float(k), 2, float(k) + 20, 30}, .label = k % 2, .area = 560});
      }
      folder_.samples.push_back(std::move(sample));
    }
  }

  static std::vector<BoxBatch> rest(BoxLoader& loader) {
    std::vector<BoxBatch> batches;
    while (auto batch = loader.next()) batches.push_back(std::move(*batch));
    return batches;
  }

  std::vector<BoxBatch> load(const LoaderOptions& options) const {
    BoxLoader loader(folder_, recipe_, options);
    return rest(loader);
  }

  static void expect_equal(const std::vector<BoxBatch>& a, const std::vector<BoxBatch>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].number, b[i].number);
      EXPECT_EQ(a[i].count, b[i].count);
      EXPECT_EQ(a[i].height, b[i].height);
      EXPECT_EQ(a[i].width, b[i].width);
      EXPECT_EQ(a[i].images, b[i].images);
      EXPECT_EQ(a[i].objects, b[i].objects);
      EXPECT_EQ(a[i].indices, b[i].indices);
      for (std::size_t k = 0; k < a[i].framings.size(); ++k) {
        EXPECT_EQ(a[i].framings[k].window.left, b[i].framings[k].window.left);
        EXPECT_EQ(a[i].framings[k].size, b[i].framings[k].size);
      }
    }
  }

  TemporaryFolder root_;
  BoxFolder folder_;
  const BoxRecipe recipe_{{.short_side = 40, .long_side = 200}};
};

TEST_F(BoxLoaderTest, DeliversEveryPictureAsTheRecipeMakesIt) {
  std::vector<std::int64_t> seen;
  for (const auto& batch : load({.batch_size = 3, .threads = 2})) {
    ASSERT_EQ(batch.count, std::ssize(batch.indices));
    EXPECT_EQ(batch.height % 32, 0);
    EXPECT_EQ(batch.width % 32, 0);
    int height = 0;
    int width = 0;
    const auto length = std::size_t{3} * static_cast<std::size_t>(batch.height * batch.width);
    for (std::size_t i = 0; i < batch.indices.size(); ++i) {
      const auto& sample = folder_.samples[static_cast<std::size_t>(batch.indices[i])];
      const auto framing = recipe_.evaluate(sample.size);
      height = std::max(height, framing.size.height);
      width = std::max(width, framing.size.width);
      EXPECT_EQ(batch.objects[i], follow(sample.objects, framing));
      std::vector<float> expected(length);
      recipe_.paint(EncodedImage::open(sample.file), framing, true, expected, {batch.width, batch.height});
      EXPECT_TRUE(std::ranges::equal(expected, std::span(batch.images).subspan(i * length, length)));
      seen.push_back(batch.indices[i]);
    }
    EXPECT_LT(batch.height - height, 32) << "the canvas is that of the largest";
    EXPECT_LT(batch.width - width, 32);
  }
  std::ranges::sort(seen);
  std::vector<std::int64_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(seen, all);
}

TEST_F(BoxLoaderTest, GivesTheSameBatchesWhateverTheThreadsAndThePrefetch) {
  LoaderOptions options{
      .batch_size = 2, .threads = 1, .seed = 9, .epoch = 2, .augment = true, .shuffle = true};
  const auto expected = load(options);
  for (const int threads : {2, 5}) {
    for (const int prefetch : {1, 4}) {
      options.threads = threads;
      options.prefetch = prefetch;
      expect_equal(load(options), expected);
    }
  }
  options.epoch = 3;
  EXPECT_NE(load(options).front().indices, expected.front().indices);
}

TEST_F(BoxLoaderTest, ResumesWithinAnEpoch) {
  LoaderOptions options{.batch_size = 2, .threads = 3, .seed = 1, .augment = true, .shuffle = true};
  const auto whole = load(options);
  for (std::int64_t start = 0; start <= std::ssize(whole); ++start) {
    options.start_batch = start;
    expect_equal(load(options), {whole.begin() + start, whole.end()});
  }
  options.start_batch = std::ssize(whole) + 1;
  expect_error([&] { load(options); }, "first batch 7: 0 to 6 is accepted");
}

TEST_F(BoxLoaderTest, PartsAreTogetherTheBatchesOfOneLoader) {
  LoaderOptions options{.batch_size = 4, .threads = 2, .seed = 3, .augment = true, .shuffle = true};
  const auto whole = load(options);
  for (const int parts : {2, 5}) {
    options.parts = parts;
    auto joined = whole;
    for (auto& batch : joined) {
      BoxBatch empty;
      empty.number = batch.number;
      empty.height = batch.height;
      empty.width = batch.width;
      batch = std::move(empty);
    }
    for (options.part = 0; options.part < parts; ++options.part) {
      const auto own = load(options);
      ASSERT_EQ(own.size(), whole.size()) << "empty parts are delivered, too";
      for (std::size_t i = 0; i < own.size(); ++i) {
        EXPECT_EQ(own[i].planned, whole[i].count);
        EXPECT_EQ(own[i].height, whole[i].height) << "the canvas is the whole batch's";
        EXPECT_EQ(own[i].width, whole[i].width);
        joined[i].count += own[i].count;
        const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
        append(joined[i].images, own[i].images);
        append(joined[i].framings, own[i].framings);
        append(joined[i].objects, own[i].objects);
        append(joined[i].indices, own[i].indices);
      }
    }
    expect_equal(joined, whole);
  }
}

TEST_F(BoxLoaderTest, RecycledMemoryChangesNothing) {
  const auto expected = load({.batch_size = 2, .threads = 2});
  BoxLoader loader(folder_, recipe_, {.batch_size = 2, .threads = 2});
  for (const auto& batch : expected) {
    auto ours = loader.next();
    ASSERT_TRUE(ours);
    EXPECT_EQ(ours->images, batch.images);
    std::ranges::fill(ours->images, -1.0F);
    loader.recycle(std::move(*ours));
  }
  EXPECT_FALSE(loader.next());
}

TEST_F(BoxLoaderTest, SkipsCountsAndNamesBadFiles) {
  const auto good = load({.batch_size = 3, .threads = 2});
  root_.add("02.png", "no picture");
  root_.add("05.png", test::plain_png(10, 40));
  expect_error([&] { load({.batch_size = 3, .threads = 2}); }, ".png: it");
  BoxLoader loader(folder_, recipe_, {.batch_size = 3, .threads = 2, .skip_bad = true});
  const auto batches = rest(loader);
  ASSERT_EQ(loader.skipped().size(), 2U);
  EXPECT_NE(loader.skipped()[0].reason.find("02.png: it is neither"), std::string::npos);
  EXPECT_NE(loader.skipped()[1].reason.find("05.png: it has 10 x 40 pixels now, and had 65 x 40"),
            std::string::npos)
      << loader.skipped()[1].reason;
  std::int64_t left = 0;
  for (const auto& batch : batches) {
    left += batch.count;
    const auto& before = good[static_cast<std::size_t>(batch.number)];
    const auto length = static_cast<std::ptrdiff_t>(3 * batch.height * batch.width);
    ASSERT_EQ(std::ssize(batch.images), length * batch.count);
    ASSERT_EQ(std::ssize(batch.objects), batch.count);
    for (std::size_t i = 0; i < batch.indices.size(); ++i) {
      const auto place = std::ranges::find(before.indices, batch.indices[i]) - before.indices.begin();
      EXPECT_EQ(batch.objects[i], before.objects[static_cast<std::size_t>(place)]);
      EXPECT_TRUE(std::equal(batch.images.begin() + std::ptrdiff_t(i) * length,
                             batch.images.begin() + std::ptrdiff_t(i + 1) * length,
                             before.images.begin() + place * length));
    }
  }
  EXPECT_EQ(left, count - 2);
}

TEST_F(BoxLoaderTest, SaysAtOnceThatAPictureIsTooNarrow) {
  const BoxRecipe recipe({.short_side = 40, .long_side = 80});
  LoaderOptions options{.batch_size = 2, .threads = 2};
  expect_error([&] { const BoxLoader loader(folder_, recipe, options); },
               "00.png: its 150 x 40 pixels would");
  options.skip_bad = true;
  BoxLoader loader(folder_, recipe, options);
  rest(loader);
  ASSERT_EQ(loader.skipped().size(), 1U);
  EXPECT_NE(loader.skipped()[0].reason.find("00.png: its 150 x 40"), std::string::npos);
}

TEST(GroupByAspect, KeepsWideAndTallApartButForTheRest) {
  using Batches = std::vector<std::vector<std::int64_t>>;
  const std::vector<bool> is_wide = {true, false, true, true, false, true, false, true};
  const std::vector<std::int64_t> order = {7, 6, 5, 4, 3, 2, 1, 0};
  EXPECT_EQ(group_by_aspect(order, is_wide, 2), (Batches{{7, 5}, {6, 4}, {3, 2}, {0, 1}}));
  EXPECT_EQ(group_by_aspect(order, is_wide, 3), (Batches{{7, 5, 3}, {6, 4, 1}, {2, 0}}));
  EXPECT_EQ(group_by_aspect(order, is_wide, 4), (Batches{{7, 5, 3, 2}, {0, 6, 4, 1}}));
  EXPECT_EQ(group_by_aspect(order, is_wide, 1).size(), 8U);
  EXPECT_EQ(group_by_aspect({}, {}, 4), Batches());
}

}  // namespace
}  // namespace scatlight::data
