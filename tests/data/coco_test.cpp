#include "data/coco.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "data/annotated.h"
#include "scatlight/error.h"
#include "support/expect_error.h"
#include "support/mutate.h"

namespace scatlight::data {
namespace {

using test::expect_error;
using test::TemporaryFolder;

/// The parts of a small file; tests exchange one of them.
struct Parts {
  std::string images =
      R"({"id": 9, "file_name": "a.png", "width": 40, "height": 30, "license": [1, {"x": 2}]},
                          {"file_name": "sub/b.png", "id": 4})";
  std::string annotations =
      R"({"id": 1, "image_id": 9, "category_id": 7, "bbox": [1.5, 2, 10.25, 20], "area": 99.5, "iscrowd": 1,
          "segmentation": {"counts": [1, 2], "size": [3, [4]]}},
         {"id": 2, "image_id": 9, "category_id": 3, "bbox": [0, 0, 40, 30], "segmentation": [[1, 2.5, 3]], "ignore": 1})";
  std::string categories = R"({"id": 7, "name": "cat"}, {"id": 3, "name": "dog", "supercategory": "animal"})";

  std::string text() const {
    return R"({"info": {"images": "none"}, "annotations": [)" + annotations + R"(], "images": [)" + images +
           R"(], "categories": [)" + categories + "]}";
  }
};

class Coco : public testing::Test {
 protected:
  Coco() {
    folder_.add("a.png", test::plain_png(40, 30));
    folder_.add("sub/b.png", test::plain_png(40, 30));
  }

  BoxFolder list(const std::string& text, const BoxListOptions& options = {}) const {
    return list_coco(folder_.add("x.json", text), folder_.path(), options);
  }

  TemporaryFolder folder_;
};

TEST_F(Coco, ReadsRecordsInAnyOrderAndSortsThem) {
  const auto listed = list(Parts().text());
  EXPECT_EQ(listed.classes, (std::vector<std::string>{"dog", "cat"})) << "by ascending id";
  EXPECT_EQ(listed.category_ids, (std::vector<std::int64_t>{3, 7}));
  ASSERT_EQ(listed.samples.size(), 2U);
  EXPECT_EQ(listed.samples[0].id, 4);
  EXPECT_EQ(listed.samples[0].file, folder_ / "sub/b.png");
  EXPECT_EQ(listed.samples[0].size, (ImageSize{40, 30})) << "of the file, where the record says none";
  EXPECT_EQ(listed.samples[1].objects,
            (std::vector<Object>{{.box = {1.5, 2, 11.75, 22}, .label = 1, .crowd = true, .area = 99.5},
                                 {.box = {0, 0, 40, 30}, .label = 0, .difficult = true, .area = 1200}}));
  EXPECT_EQ(listed.counts, (BoxCounts{.images = 2, .empty = 1, .objects = 2, .difficult = 1, .crowd = 1}));
}

TEST_F(Coco, ClassesWithoutObjectsCanBeDropped) {
  auto listed = list(Parts().text());
  EXPECT_EQ(drop_unused_classes(listed), std::vector<std::string>{"cat"}) << "a crowd alone makes no class";
  EXPECT_EQ(listed.classes, std::vector<std::string>{"dog"});
  EXPECT_EQ(listed.category_ids, std::vector<std::int64_t>{3});
  EXPECT_EQ(listed.samples[1].objects,
            (std::vector<Object>{{.box = {0, 0, 40, 30}, .label = 0, .difficult = true, .area = 1200}}));
  EXPECT_EQ(listed.counts, (BoxCounts{.images = 2, .empty = 1, .objects = 1, .difficult = 1}));
  EXPECT_TRUE(drop_unused_classes(listed).empty());
}

TEST_F(Coco, TakesTheLabelsOfAnEarlierTraining) {
  BoxListOptions options{.known_classes = std::vector<std::string>{"cat", "ant", "dog", "bee"}};
  const auto listed = list(Parts().text(), options);
  EXPECT_EQ(listed.category_ids, (std::vector<std::int64_t>{7, 1, 3, 2}));
  EXPECT_EQ(listed.samples[1].objects[0].label, 0);
  EXPECT_EQ(listed.samples[1].objects[1].label, 2);
  options.known_classes = {"cat"};
  expect_error([&] { list(Parts().text(), options); },
               "x.json: annotation 2: the class 'dog' is not among the 1 known classes (cat)");
}

TEST_F(Coco, RefusesWhatIsNoCocoFile) {
  const auto refuses = [&](const std::string& text, std::string_view reason) {
    for (const bool skip_bad : {false, true}) {
      expect_error([&] { list(text, {.skip_bad = skip_bad}); }, reason);
    }
  };
  refuses("", "x.json: it is cut or broken");
  refuses("[]", "x.json: it holds no object, so it is no COCO file");
  refuses("null", "x.json: it has no images");
  refuses("{}", "x.json: it has no images, so it is no COCO file");
  refuses(R"({"images": [], "categories": []})", "it has no annotations");
  refuses(R"({"images": {}, "annotations": [], "categories": []})", "its images are no list");
  refuses(R"({"images": [[]], "annotations": [], "categories": []})",
          "its images hold something that is no object");
  refuses(R"({"images": [], "images": []})", "it has images twice");
  refuses(R"({"images": [], "annotations": [], "categories": []})", "its list of categories is empty");
  refuses(Parts().text() + "}", "it is cut or broken");
  refuses(Parts().text().substr(0, 300), "it is cut or broken");
  refuses("{\"a\": \"\xff\"}", "it is cut or broken");
  refuses(std::string(70, '['), "it holds no object");
  refuses("{\"a\":" + std::string(70, '['), "it is nested deeper than 64");
  refuses("{\"a\":" + std::string(1 << 20, '['), "it is nested deeper than 64");
  const auto with_categories = [](const std::string& categories) {
    Parts parts;
    parts.categories = categories;
    return parts.text();
  };
  refuses(with_categories(R"({"id": 1, "name": "a"}, {"id": 1, "name": "b"})"),
          "category 1: its id is given twice");
  refuses(with_categories(R"({"id": 1, "name": "a"}, {"id": 2, "name": "a"})"),
          "category 2: its name 'a' is given twice");
  refuses(with_categories(R"({"id": "1", "name": "a"})"),
          "category at place 1: its id is \"1\", but must be a whole number");
  refuses(with_categories(R"({"id": 1})"), "category 1: its name is absent, but must be a text");
  expect_error([&] { list_coco(folder_.path(), folder_.path()); }, "it is a folder, not a file");
  std::filesystem::resize_file(folder_.add("large.json", "{"), (std::uint64_t{1} << 31) + 1);
  expect_error([&] { list_coco(folder_ / "large.json", folder_.path()); },
               "it has 2147483649 bytes, at most 2147483648 are accepted");
}

/// What is wrong with a record, what is said of it, and how many pictures are left without it.
struct Fault {
  std::string record;
  std::string text;
  std::size_t left = 1;
};

TEST_F(Coco, SaysWhatIsWrongWithARecord) {
  const auto check = [&](const Parts& parts, const Fault& fault) {
    expect_error([&] { list(parts.text()); }, fault.text);
    const auto listed = list(parts.text(), {.skip_bad = true});
    EXPECT_EQ(listed.samples.size(), fault.left) << fault.text;
    ASSERT_EQ(listed.skipped.size(), 1U) << fault.text;
    EXPECT_NE(listed.skipped[0].reason.find(fault.text), std::string::npos) << listed.skipped[0].reason;
  };
  const auto annotation = [](std::string_view bbox, std::string_view more = "") {
    return fmt::format(R"({{"id": 3, "image_id": 9, "category_id": 3, "bbox": {}{}}})", bbox, more);
  };
  const std::string good = "[1, 1, 5, 5]";
  for (const auto& fault : {
           Fault{annotation("null"),
                 "x.json: annotation 3: its bbox is something else, but must be 4 numbers"},
           Fault{annotation("[1, 2, 3]"), "annotation 3: its bbox is [1, 2, 3], but must be 4 numbers"},
           Fault{annotation("[1, 2, 3, 4, 5]"), "its bbox is [1, 2, 3, 4, 5]"},
           Fault{annotation("[1, 2, 3, \"4\"]"), "its bbox is something else"},
           Fault{annotation("[1, 2, [3], 4]"), "its bbox is something else"},
           Fault{annotation("[1, 2, 3, 1e300]"), "but must be 4 numbers within 1000000"},
           Fault{annotation("[1, 2, 0, 4]"), "annotation 3: its bbox is 0 wide and 4 high"},
           Fault{annotation("[1, 2, 3, -4]"), "its bbox is 3 wide and -4 high"},
           Fault{annotation("[1, 2, 39, 42]"),
                 "its box 1, 2, 40, 44 (left, top, right, bottom) is not within", 2},
           Fault{annotation("[39, 2, 1e-9, 4]"),
                 "its box 39, 2, 39, 6 (left, top, right, bottom) is not within", 2},
           Fault{annotation(good, R"(, "iscrowd": 2)"), "its iscrowd is 2, but must be 0 or 1"},
           Fault{annotation(good, R"(, "area": -1)"), "its area is -1, but must be a number from 0 on"},
           Fault{annotation(good, R"(, "category_id": 5)"), "annotation 3: there is no category 5"},
           Fault{annotation(good, R"(, "id": 2)"), "annotation 2: its id is given twice"},
           Fault{annotation(good, R"(, "image_id": 5)"), "annotation 3: there is no image 5", 2},
           Fault{annotation(good, R"(, "image_id": 1.5)"), "its image_id is 1.5, but must be a whole number",
                 2},
           Fault{R"({"image_id": 9})", "annotation at place 3: its bbox is absent"},
       }) {
    Parts parts;
    parts.annotations += ", " + fault.record;
    if (fault.left == 2 && fault.text.find("its box") != std::string::npos) {
      // Trimmed or dropped instead, where pictures may be left out.
      expect_error([&] { list(parts.text()); }, fault.text);
      const auto counts = list(parts.text(), {.skip_bad = true}).counts;
      EXPECT_EQ(counts.trimmed + counts.dropped, 1);
    } else {
      check(parts, fault);
    }
  }
  folder_.add("broken.png", "no picture");
  for (const auto& fault : {
           Fault{R"({"id": 5, "file_name": "../a.png"})",
                 "x.json: image 5: the file name '../a.png' leads out", 2},
           Fault{R"({"id": 5, "file_name": "/a.png"})", "image 5: the file name '/a.png' leads out", 2},
           Fault{R"({"id": 5, "file_name": ""})", "image 5: its file_name is \"\", but must be a text", 2},
           Fault{R"({"id": 9, "file_name": "c.png"})", "image 9: its id is given twice", 2},
           Fault{R"({"id": 5, "file_name": "a.png"})", "image 5: a.png is listed twice", 2},
           Fault{R"({"id": 5, "file_name": "c.png"})", "c.png: No such file", 2},
           Fault{R"({"id": 5, "file_name": "broken.png"})", "broken.png: it is neither a JPEG", 2},
           Fault{R"({"id": 5, "file_name": "c.png", "width": 40, "height": 0})", "image 5: its height is 0",
                 2},
           Fault{R"({"id": 5, "file_name": "c.png", "width": 40})", "image 5: its height is absent", 2},
           Fault{R"({"file_name": "c.png"})", "image at place 3: its id is absent", 2},
       }) {
    Parts parts;
    parts.images += ", " + fault.record;
    check(parts, fault);
  }
  Parts parts;
  parts.images = R"({"id": 9, "file_name": "a.png", "width": 30, "height": 40})";
  check(parts, {"", "x.json: image 9: it says that a.png has 30 x 40 pixels, but the file has 40 x 30", 0});
}

TEST_F(Coco, LeavesOutAllOfABadImage) {
  Parts parts;
  parts.images = R"({"id": 9, "file_name": "../a.png"}, {"id": 4, "file_name": "sub/b.png"})";
  const auto listed = list(parts.text(), {.skip_bad = true});
  EXPECT_EQ(listed.samples.size(), 1U);
  EXPECT_EQ(listed.skipped.size(), 1U) << "its annotations are not complained of one by one";
}

TEST_F(Coco, FindsTheUsualFolderOfPictures) {
  const auto json = folder_.add("annotations/instances_train2017.json", "{}");
  EXPECT_EQ(default_coco_images(json), folder_ / "annotations");
  std::filesystem::create_directory(folder_ / "JPEGImages");
  EXPECT_EQ(default_coco_images(json), folder_ / "JPEGImages");
  std::filesystem::create_directory(folder_ / "train2017");
  EXPECT_EQ(default_coco_images(json), folder_ / "train2017");
  EXPECT_EQ(default_coco_images(folder_ / "train2017/_annotations.coco.json"), folder_ / "train2017");
}

TEST_F(Coco, SurvivesDamagedFiles) {
  const auto text = Parts().text();
  std::mt19937_64 random(2);
  const int rounds = test::mutation_rounds(300);
  int read = 0;
  for (int i = 0; i < rounds; ++i) {
    try {
      const auto damaged =
          i % 3 == 0 ? test::mutate(text, random) : test::exchange_part(text, ":,[]{}", random);
      list(damaged, {.skip_bad = i % 2 == 0, .threads = 1});
      ++read;
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
    }
  }
  fmt::print("  {} of {} read\n", read, rounds);
  EXPECT_GT(read, rounds / 20);
  EXPECT_LT(read, rounds);
}

}  // namespace
}  // namespace scatlight::data
