#include "data/pack.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "data/decode.h"
#include "data/pictures.h"
#include "data/resize.h"
#include "io/file.h"
#include "io/tar_reader.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;
using test::as_text;
using test::draw_picture;
using test::expect_error;
using Names = std::vector<std::string>;

class PackTest : public testing::Test {
 protected:
  PackTest() {
    for (int i = 0; i < 11; ++i) {
      root_.add(fmt::format("in/{}/{:02}.jpg", i < 4 ? "cat" : "dog", i),
                as_text(test::to_jpeg(draw_picture(40 + i, 30, static_cast<std::uint64_t>(i)))));
    }
  }

  PackResult pack(PackOptions options) {
    options.out = root_ / "out";
    return data::pack(list_image_folder(root_ / "in"), options, [this] { ++told_; });
  }

  Names shards() const {
    Names names;
    for (const auto& entry : fs::directory_iterator(root_ / "out")) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  Names members(const std::string& shard) const {
    Names names;
    const io::ReadOnlyFile file(root_ / "out" / shard);
    for (const auto& member : io::list_tar(file)) names.push_back(member.name);
    return names;
  }

  std::string read(const char* name) const { return io::read_text(root_ / name, 1 << 20); }

  test::TemporaryFolder root_;
  int told_ = 0;
};

TEST_F(PackTest, WritesEvenShardsInASeededOrder) {
  const auto result = pack({.shard_images = 5, .threads = 2});
  EXPECT_EQ(result.images, 11);
  EXPECT_EQ(result.shards, 3);
  EXPECT_EQ(told_, 11);
  EXPECT_EQ(shards(), (Names{"classes.txt", "shard-000000.tar", "shard-000001.tar", "shard-000002.tar"}));
  EXPECT_EQ(read("out/classes.txt"), "cat\ndog\n");
  std::vector<std::size_t> sizes;
  Names all;
  for (const auto* shard : {"shard-000000.tar", "shard-000001.tar", "shard-000002.tar"}) {
    const auto names = members(shard);
    sizes.push_back(names.size());
    for (std::size_t i = 0; i < names.size(); i += 2) {
      EXPECT_EQ(names[i + 1], names[i].substr(0, 8) + ".cls") << "pairs stand together";
      all.push_back(names[i]);
    }
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{6, 8, 8}));
  EXPECT_FALSE(std::ranges::is_sorted(all));
  std::ranges::sort(all);
  EXPECT_EQ(all.front(), "00000000.jpg");
  EXPECT_EQ(all.back(), "00000010.jpg");

  const auto listed = list_image_folder(root_ / "out");
  ASSERT_EQ(listed.samples.size(), 11U);
  for (int i = 0; i < 11; ++i) {
    const auto& sample = listed.samples[static_cast<std::size_t>(i)];
    EXPECT_EQ(sample.label, i < 4 ? 0 : 1);
    const auto before = read(fmt::format("in/{}/{:02}.jpg", i < 4 ? "cat" : "dog", i).c_str());
    const auto image = open_image(sample);
    EXPECT_TRUE(as_text({image.bytes().begin(), image.bytes().end()}) == before) << sample.name;
  }
}

TEST_F(PackTest, DependsOnTheSeedAndNotOnTheThreads) {
  pack({.threads = 1});
  const auto first = read("out/shard-000000.tar");
  for (const auto& [threads, seed] : {std::pair{3, 0}, std::pair{3, 1}}) {
    fs::remove_all(root_ / "out");
    pack({.seed = static_cast<std::uint64_t>(seed), .threads = threads});
    EXPECT_EQ(read("out/shard-000000.tar") == first, seed == 0);
  }
}

TEST_F(PackTest, ShrinksPicturesThatAreLarger) {
  root_.add("in/cat/00.jpg", as_text(test::to_png(draw_picture(61, 47, 5))));
  pack({.short_side = 30});
  const auto listed = list_image_folder(root_ / "out");
  EXPECT_TRUE(listed.samples[0].name.ends_with(":00000000.jpg"));
  const auto shrunk = open_image(listed.samples[0]).decode();
  EXPECT_EQ(shrunk.width, 61 * 30 / 47);
  EXPECT_EQ(shrunk.height, 30);
  const Box whole{.width = 61, .height = 47};
  const auto expected = resize(draw_picture(61, 47, 5), whole, {.width = 38, .height = 30});
  EXPECT_LT(test::mean_difference(shrunk.rgb, expected.rgb), 6);
  EXPECT_EQ(open_image(listed.samples[1]).bytes().size(), fs::file_size(root_ / "in/cat/01.jpg"))
      << "small enough";
}

TEST_F(PackTest, NamesFilesByTheirContent) {
  fs::rename(root_.add("in/cat/x", as_text(test::to_png(draw_picture(20)))), root_ / "in/cat/00.jpg");
  root_.add("in/cat/01.jfif", as_text(test::to_jpeg(draw_picture(20))));
  root_.add("in/cat/02.webp", as_text(test::to_webp(draw_picture(20), 80)));
  pack({});
  const auto names = members("shard-000000.tar");
  for (const auto* name : {"00000000.png", "00000001.jpg", "00000002.jpg", "00000003.jpg", "00000004.webp"}) {
    EXPECT_NE(std::ranges::find(names, name), names.end()) << name;
  }
}

TEST_F(PackTest, RefusesBadFilesOrSkipsThem) {
  root_.add("in/dog/07.jpg", "no picture");
  root_.add("in/dog/09.jpg", "");
  expect_error([&] { pack({}); }, "cannot decode ");
  EXPECT_FALSE(fs::exists(root_ / "out"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root_.path()), {}), 1) << "nothing half-written";
  const auto result = pack({.shard_images = 1, .skip_bad = true});
  EXPECT_EQ(result.images, 9);
  EXPECT_EQ(result.shards, 9) << "none is empty";
  EXPECT_EQ(result.skipped.size(), 2U);
  EXPECT_EQ(list_image_folder(root_ / "out").samples.size(), 9U);
}

TEST_F(PackTest, RefusesAClassOfWhichNothingIsLeft) {
  for (int i = 0; i < 4; ++i) root_.add(fmt::format("in/cat/{:02}.jpg", i), "no picture");
  expect_error([&] { pack({.skip_bad = true}); },
               "no image of the class 'cat' could be read; the first bad file: cannot");
  EXPECT_FALSE(fs::exists(root_ / "out"));
}

TEST_F(PackTest, RefusesWhatItCannotWriteTo) {
  root_.add("out/thesis.txt", "years of work");
  expect_error([&] { pack({}); }, "/out is not empty: choose another folder");
  EXPECT_EQ(shards(), Names{"thesis.txt"});
  fs::remove_all(root_ / "out");
  root_.add("out", "");
  expect_error([&] { pack({}); }, "/out is a file, not a folder");
  fs::remove(root_ / "out");
  fs::rename(root_ / "in/cat", root_ / "in/cat\nor not");
  expect_error([&] { pack({}); }, "the class 'cat\\x0aor not' cannot stand in a line of classes.txt");
}

TEST_F(PackTest, RefusesOptionsOutOfRange) {
  expect_error([&] { pack({.shard_images = 0}); }, "images of a shard 0: 1 to 100000000 is accepted");
  expect_error([&] { pack({.short_side = -1}); }, "short side -1: 0 to 65500 is accepted");
  expect_error([&] { pack({.quality = 0}); }, "quality 0: 1 to 100 is accepted");
  expect_error([&] { pack({.threads = -1}); }, "threads -1");
  expect_error([&] { pack({.max_pixels = 0}); }, "most pixels of a picture 0");
}

}  // namespace
}  // namespace scatlight::data
