#include "data/loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <set>
#include <thread>

#include "data/pictures.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::data {
namespace {

using test::as_text;
using test::draw_picture;
using test::expect_error;
using test::TemporaryFolder;
using test::to_jpeg;
using test::to_png;

class LoaderTest : public testing::Test {
 protected:
  static constexpr int count = 23;
  static constexpr std::ptrdiff_t image_bytes = std::ptrdiff_t{3} * 16 * 16;

  LoaderTest() {
    for (int i = 0; i < count; ++i) {
      const auto image = draw_picture(20 + 7 * (i % 5), 40 - 3 * (i % 4), static_cast<std::uint64_t>(i));
      const bool is_png = i % 3 == 0;
      root_.add(name(i), as_text(is_png ? to_png(image) : to_jpeg(image)));
    }
  }

  static std::string name(int i) {
    return std::string(i % 2 == 0 ? "even/" : "odd/") + static_cast<char>('a' + i) +
           (i % 3 == 0 ? ".png" : ".jpg");
  }

  ImageFolder folder() const { return list_image_folder(root_.path()); }

  std::vector<Batch> load(const LoaderOptions& options) const {
    const auto samples = folder();
    Loader loader(samples, recipe_, options);
    return rest(loader);
  }

  static std::vector<Batch> rest(Loader& loader) {
    std::vector<Batch> batches;
    while (auto batch = loader.next()) batches.push_back(std::move(*batch));
    return batches;
  }

  static void expect_equal(const std::vector<Batch>& a, const std::vector<Batch>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].number, b[i].number);
      EXPECT_EQ(a[i].count, b[i].count);
      EXPECT_EQ(a[i].images, b[i].images);
      EXPECT_EQ(a[i].labels, b[i].labels);
      EXPECT_EQ(a[i].indices, b[i].indices);
    }
  }

  TemporaryFolder root_;
  const Recipe recipe_{{.size = 16}};
};

TEST_F(LoaderTest, DeliversEverySampleAsTheRecipeMakesIt) {
  const auto batches = load({.batch_size = 5, .threads = 2});
  ASSERT_EQ(batches.size(), 5U);
  const auto samples = folder();
  std::int64_t next = 0;
  for (const auto& batch : batches) {
    EXPECT_EQ(batch.number, &batch - batches.data());
    EXPECT_EQ(batch.count, even_part(count, 5, batch.number).count);
    for (std::size_t i = 0; i < static_cast<std::size_t>(batch.count); ++i, ++next) {
      EXPECT_EQ(batch.indices[i], next);
      const auto& sample = samples.samples[static_cast<std::size_t>(next)];
      EXPECT_EQ(batch.labels[i], sample.label);
      const auto expected = recipe_.evaluate(decode_file(sample.name)).rgb;
      EXPECT_TRUE(std::ranges::equal(expected,
                                     std::span(batch.images).subspan(i * expected.size(), expected.size())));
    }
  }
  EXPECT_EQ(next, count);
}

TEST_F(LoaderTest, GivesTheSameBatchesWhateverTheThreadsAndThePrefetch) {
  LoaderOptions options{
      .batch_size = 4, .threads = 1, .seed = 9, .epoch = 2, .augment = true, .shuffle = true};
  const auto expected = load(options);
  for (const int threads : {2, 3, 5}) {
    for (const int prefetch : {1, 3, 50}) {
      options.threads = threads;
      options.prefetch = prefetch;
      expect_equal(load(options), expected);
    }
  }
}

TEST_F(LoaderTest, OrderAndAugmentationDependOnSeedAndEpoch) {
  const LoaderOptions options{.batch_size = count, .threads = 2, .augment = true, .shuffle = true};
  const auto batch = load(options).front();
  auto other = options;
  other.epoch = 1;
  EXPECT_NE(load(other).front().indices, batch.indices);
  other = options;
  other.seed = 1;
  EXPECT_NE(load(other).front().indices, batch.indices);
  other = options;
  other.shuffle = false;
  const auto first = load(other).front();
  other.epoch = 1;
  const auto second = load(other).front();
  EXPECT_EQ(first.indices, second.indices);
  EXPECT_NE(first.images, second.images);
}

TEST_F(LoaderTest, ResumesWithinAnEpoch) {
  LoaderOptions options{.batch_size = 4, .threads = 3, .seed = 1, .augment = true, .shuffle = true};
  const auto whole = load(options);
  for (std::int64_t start = 0; start <= 6; ++start) {
    options.start_batch = start;
    expect_equal(load(options), {whole.begin() + start, whole.end()});
  }
}

TEST_F(LoaderTest, CutsAnEpochIntoTheFewestBatchesAsEvenAsTheyCanBe) {
  const auto sizes = [&](std::int64_t largest) {
    std::vector<std::int64_t> counts;
    for (const auto& batch : load({.batch_size = largest, .threads = 2})) counts.push_back(batch.count);
    return counts;
  };
  using Counts = std::vector<std::int64_t>;
  EXPECT_EQ(sizes(5), (Counts{4, 5, 4, 5, 5}));
  EXPECT_EQ(sizes(22), (Counts{11, 12})) << "no batch of one image, which batch norm cannot train on";
  EXPECT_EQ(sizes(23), (Counts{23}));
  EXPECT_EQ(sizes(1000), (Counts{23}));
}

TEST_F(LoaderTest, PartsAreTogetherTheBatchesOfOneLoader) {
  LoaderOptions options{.batch_size = 5, .threads = 2, .seed = 3, .augment = true, .shuffle = true};
  const auto whole = load(options);
  for (const int parts : {2, 3, 7}) {
    options.parts = parts;
    auto joined = whole;
    for (auto& batch : joined) {
      const auto number = batch.number;
      batch = {};
      batch.number = number;
    }
    for (options.part = 0; options.part < parts; ++options.part) {
      const auto own = load(options);
      ASSERT_EQ(own.size(), whole.size()) << "empty parts are delivered, too";
      for (std::size_t i = 0; i < own.size(); ++i) {
        EXPECT_EQ(own[i].number, whole[i].number);
        EXPECT_EQ(own[i].planned, whole[i].count);
        EXPECT_LE(own[i].count, whole[i].count / parts + 1) << "even to an image";
        joined[i].count += own[i].count;
        const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
        append(joined[i].images, own[i].images);
        append(joined[i].labels, own[i].labels);
        append(joined[i].indices, own[i].indices);
      }
    }
    expect_equal(joined, whole);
  }
}

TEST_F(LoaderTest, PartsOfWhichNothingIsLeftAreDelivered) {
  for (const int i : {0, 2, 4, 6, 10}) root_.add(name(i), "no picture");
  const auto batches = load({.batch_size = 4, .threads = 2, .skip_bad = true, .part = 1, .parts = 2});
  ASSERT_EQ(batches.size(), 6U);
  EXPECT_EQ(batches.front().count, 0) << "its two pictures are bad";
  EXPECT_TRUE(batches.front().images.empty());
  EXPECT_EQ(batches.front().planned, 3);
  EXPECT_EQ(batches.front().number, 0);
}

TEST_F(LoaderTest, RecycledMemoryChangesNothing) {
  const auto expected = load({.batch_size = 4, .threads = 2});
  const auto samples = folder();
  Loader loader(samples, recipe_, {.batch_size = 4, .threads = 2});
  for (const auto& batch : expected) {
    auto ours = loader.next();
    ASSERT_TRUE(ours);
    EXPECT_EQ(ours->images, batch.images);
    std::ranges::fill(ours->images, std::uint8_t{1});
    loader.recycle(std::move(*ours));
  }
  EXPECT_FALSE(loader.next());
  EXPECT_FALSE(loader.next());
}

TEST_F(LoaderTest, StopsAtABadFileAlwaysTheSame) {
  root_.add(name(7), "no picture");
  root_.add(name(9), "");
  std::set<std::string> messages;
  for (const int threads : {1, 2, 5}) {
    const auto samples = folder();
    Loader loader(samples, recipe_, {.batch_size = 4, .threads = threads, .shuffle = true});
    try {
      rest(loader);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      messages.insert(error.what());
    }
    EXPECT_FALSE(loader.next());
  }
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_NE(messages.begin()->find("/odd/"), std::string::npos) << *messages.begin();
}

TEST_F(LoaderTest, SkipsCountsAndNamesBadFiles) {
  const LoaderOptions options{.batch_size = 4, .threads = 3, .skip_bad = true};
  const auto good = load(options);
  // Without shuffling the even ones come first, twelve of them: three batches.
  for (const int i : {0, 2, 4, 6, 10}) root_.add(name(i), "no picture");
  root_.add(name(5), as_text(to_jpeg(draw_picture(16))).substr(0, 200));
  std::filesystem::remove(root_ / name(8));
  std::filesystem::create_directory(root_ / name(8));
  root_.add(name(8) + "/inside.jpg", "");

  const auto samples = folder();
  Loader loader(samples, recipe_, options);
  const auto batches = rest(loader);
  std::vector<std::string> skipped;
  for (const auto& [file, reason] : loader.skipped()) {
    skipped.push_back(std::filesystem::relative(file, root_.path()).string());
    EXPECT_NE(reason.find(std::filesystem::path(file).filename().string()), std::string::npos) << reason;
  }
  EXPECT_EQ(skipped, (std::vector<std::string>{name(0), name(2), name(4), name(6), name(8) + "/inside.jpg",
                                               name(10), name(5)}));
  // The first batch has nothing left and is not delivered; the others keep their numbers.
  std::vector<std::int64_t> numbers;
  std::vector<std::int64_t> indices;
  for (const auto& batch : batches) {
    numbers.push_back(batch.number);
    EXPECT_EQ(batch.count, std::ssize(batch.indices));
    EXPECT_EQ(batch.count, std::ssize(batch.labels));
    EXPECT_EQ(std::ssize(batch.images), batch.count * image_bytes);
    indices.insert(indices.end(), batch.indices.begin(), batch.indices.end());
    for (std::int64_t i = 0; i < batch.count; ++i) {
      const auto index = batch.indices[static_cast<std::size_t>(i)];
      const auto& before = good[static_cast<std::size_t>(batch.number)];
      const auto place = std::ranges::find(before.indices, index) - before.indices.begin();
      EXPECT_TRUE(std::equal(batch.images.begin() + i * image_bytes,
                             batch.images.begin() + (i + 1) * image_bytes,
                             before.images.begin() + place * image_bytes));
    }
  }
  EXPECT_EQ(numbers, (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(indices.size(), static_cast<std::size_t>(count) - 7);
}

TEST_F(LoaderTest, TakesAPictureBeyondTheLimitOfPixelsForABadFile) {
  const auto samples = folder();
  Loader loader(samples, recipe_, {.threads = 2, .skip_bad = true, .max_pixels = 1000});
  const auto batches = rest(loader);
  ASSERT_FALSE(loader.skipped().empty());
  EXPECT_EQ(batches.front().count + std::ssize(loader.skipped()), count);
  EXPECT_NE(loader.skipped().front().reason.find("1000 in all are accepted"), std::string::npos);
}

TEST_F(LoaderTest, StopsInTheMiddleOfAnEpoch) {
  const auto samples = folder();
  for (int taken = 0; taken < 4; ++taken) {
    Loader loader(samples, recipe_, {.batch_size = 2, .threads = 3, .prefetch = 3});
    for (int i = 0; i < taken; ++i) EXPECT_TRUE(loader.next());
  }
}

TEST_F(LoaderTest, WorksNoFurtherAheadThanAsked) {
  // Every file beyond the prefetched batches goes away before the first batch is taken: had a worker run
  // ahead, it would have read one of them.
  const auto samples = folder();
  Loader loader(samples, recipe_, {.batch_size = 2, .threads = 3, .skip_bad = true, .prefetch = 2});
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto prefetched = even_part(count, 2, 2).first;
  for (auto i = static_cast<std::size_t>(prefetched); i < samples.samples.size(); ++i)
    std::filesystem::remove(samples.samples[i].name);
  const auto batches = rest(loader);
  EXPECT_EQ(batches.size(), 2U);
  EXPECT_EQ(std::ssize(loader.skipped()), count - prefetched);
}

TEST_F(LoaderTest, RefusesOptionsOutOfRange) {
  const auto refuses = [&](LoaderOptions options, std::string_view text) {
    const auto samples = folder();
    expect_error([&] { const Loader loader(samples, recipe_, options); }, text);
  };
  refuses({.batch_size = 0}, "batch size 0: 1 to");
  refuses({.threads = -1}, "loader threads -1: 0 to 256 is accepted");
  refuses({.threads = 257}, "loader threads 257");
  refuses({.prefetch = 0}, "prefetched batches 0: 1 to");
  refuses({.epoch = -1}, "epoch -1");
  refuses({.max_pixels = 0}, "most pixels of a picture 0: 1 to");
  refuses({.batch_size = 4, .start_batch = 7}, "first batch 7: 0 to 6 is accepted");
  refuses({.parts = 0}, "parts of a batch 0: 1 to");
  refuses({.part = 2, .parts = 2}, "part of a batch 2: 0 to 1 is accepted");
}

TEST(Shuffle, IsAPermutationThatDependsOnSeedAndEpoch) {
  const auto order = shuffled_order(1000, 1, 2);
  auto sorted = order;
  std::ranges::sort(sorted);
  std::vector<std::int64_t> all(1000);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(sorted, all);
  EXPECT_NE(order, all);
  EXPECT_EQ(shuffled_order(1000, 1, 2), order);
  EXPECT_NE(shuffled_order(1000, 1, 3), order);
  EXPECT_NE(shuffled_order(1000, 2, 2), order);
  EXPECT_TRUE(shuffled_order(0, 1, 2).empty());
}

// Each of the six orders of three should come up equally often.
TEST(Shuffle, PrefersNoOrder) {
  std::array<int, 27> seen = {};
  constexpr int draws = 6000;
  for (int epoch = 0; epoch < draws; ++epoch) {
    const auto order = shuffled_order(3, 5, epoch);
    ++seen[static_cast<std::size_t>(9 * order[0] + 3 * order[1] + order[2])];
  }
  const double deviation = std::sqrt(draws * (1.0 / 6) * (5.0 / 6));
  for (const int times : seen) {
    if (times > 0) {
      EXPECT_NEAR(times, draws / 6.0, 4 * deviation);
    }
  }
  EXPECT_EQ(std::ranges::count_if(seen, [](int times) { return times > 0; }), 6);
}

TEST(CounterRandom, IsUniform) {
  double sum = 0;
  double squares = 0;
  std::array<int, 7> dice = {};
  constexpr int draws = 70000;
  for (std::uint64_t i = 0; i < draws; ++i) {
    CounterRandom random(1, 2, i);  // the first numbers of neighbouring indices are what matters
    const double x = random.uniform();
    sum += x;
    squares += x * x;
    ++dice[random.below(7)];
  }
  EXPECT_NEAR(sum / draws, 0.5, 4 * std::sqrt(1.0 / 12 / draws));
  EXPECT_NEAR(squares / draws, 1.0 / 3, 0.005);
  for (const int times : dice) EXPECT_NEAR(times, draws / 7.0, 4 * std::sqrt(draws * 6.0 / 49));
}

}  // namespace
}  // namespace scatlight::data
