#include "data/drawn_boxes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "data/coco.h"
#include "data/voc.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::TemporaryFolder;

TEST(BoxScenes, HaveTightBoxesOfWhatIsSeen) {
  int objects = 0;
  int difficult = 0;
  std::array<int, 6> by_class = {};
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto scene = draw_box_scene(6, 64, seed);
    EXPECT_EQ(scene.image.rgb.size(), std::size_t{3} * 64 * 64);
    EXPECT_LE(scene.objects.size(), 10U);
    for (const auto& object : scene.objects) {
      const auto& [left, top, right, bottom] = object.box;
      EXPECT_GE(std::min(left, top), 0);
      EXPECT_LE(std::max(right, bottom), 64);
      EXPECT_GE(std::min(object.box.width(), object.box.height()), 1);
      EXPECT_EQ(object.area, double{object.box.width()} * object.box.height());
      if (std::min(object.box.width(), object.box.height()) < 2) {
        EXPECT_TRUE(object.difficult);
      }
      ++by_class[static_cast<std::size_t>(object.label)];
      ++objects;
      difficult += object.difficult ? 1 : 0;
    }
  }
  EXPECT_GT(objects, 120);
  EXPECT_GT(difficult, 0);
  EXPECT_LT(difficult, objects / 4);
  EXPECT_GT(*std::ranges::min_element(by_class), 5) << "all classes are there";
}

TEST(BoxScenes, AreTheSameForTheSameSeed) {
  const auto a = draw_box_scene(3, 48, 7);
  const auto b = draw_box_scene(3, 48, 7);
  EXPECT_EQ(a.image.rgb, b.image.rgb);
  EXPECT_EQ(a.objects, b.objects);
  EXPECT_NE(a.image.rgb, draw_box_scene(3, 48, 8).image.rgb);
  EXPECT_EQ(box_class_names(3), (std::vector<std::string>{"discs", "stars", "triangles"}));
}

class DrawnBoxes : public testing::Test {
 protected:
  DrawnFolderOptions options(std::string_view name) const {
    return {.folder = root_ / name, .classes = 3, .train = 5, .val = 2, .size = 64};
  }
  static std::string content(const fs::path& file) {
    std::ostringstream bytes;
    bytes << std::ifstream(file, std::ios::binary).rdbuf();
    return bytes.str();
  }

  TemporaryFolder root_;
};

TEST_F(DrawnBoxes, AreTheSameReadAsVocAndAsCoco) {
  auto wanted = options("out");
  int pictures = 0;
  wanted.threads = 1;
  draw_box_folder(wanted, [&] { ++pictures; });
  EXPECT_EQ(pictures, 7);
  for (const std::string split : {"train", "val"}) {
    const auto voc = list_voc(wanted.folder, split);
    const auto json = wanted.folder / "annotations" / ("instances_" + split + ".json");
    const auto coco = list_coco(json, default_coco_images(json), {.known_classes = voc.classes});
    EXPECT_EQ(voc.category_ids.size(), coco.category_ids.size());
    EXPECT_EQ(voc.counts, coco.counts);
    EXPECT_EQ(voc.counts.trimmed + voc.counts.dropped, 0);
    ASSERT_EQ(voc.samples.size(), coco.samples.size());
    for (std::size_t i = 0; i < voc.samples.size(); ++i) {
      EXPECT_EQ(voc.samples[i].file, coco.samples[i].file);
      EXPECT_EQ(voc.samples[i].id, coco.samples[i].id);
      EXPECT_EQ(voc.samples[i].size, coco.samples[i].size);
      EXPECT_EQ(voc.samples[i].objects, coco.samples[i].objects);
    }
  }
  EXPECT_EQ(list_voc(wanted.folder, "trainval").samples.size(), 7U);
}

TEST_F(DrawnBoxes, HoldTheSameBytesWhateverTheThreads) {
  auto one = options("one");
  one.threads = 1;
  auto three = options("three");
  three.threads = 3;
  draw_box_folder(one, [] {});
  draw_box_folder(three, [] {});
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(one.folder)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_EQ(content(entry.path()), content(three.folder / entry.path().lexically_relative(one.folder)));
  }
  EXPECT_EQ(files, 2 * 7 + 3 + 2 + 1);
}

TEST_F(DrawnBoxes, ReplaceADrawnDataSetOfEitherKindWhenAsked) {
  auto wanted = options("out");
  wanted.val = 0;
  draw_folder(wanted, [] {});
  expect_error([&] { draw_box_folder(wanted, [] {}); }, "already holds a drawn data set");
  wanted.overwrite = true;
  draw_box_folder(wanted, [] {});
  EXPECT_FALSE(fs::exists(wanted.folder / "train"));
  EXPECT_FALSE(fs::exists(wanted.folder / "ImageSets/Main/val.txt"));
  wanted.classes = 7;
  expect_error([&] { draw_box_folder(wanted, [] {}); }, "classes is 7, but must be from 1 to 6");
  EXPECT_TRUE(fs::exists(wanted.folder / "dead_leaves_boxes.json"));
}

}  // namespace
}  // namespace scatlight::data
