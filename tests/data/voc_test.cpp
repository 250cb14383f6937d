#include "data/voc.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "data/annotated.h"
#include "data/fingerprint.h"
#include "data/jpeg_files.h"
#include "data/orientation.h"
#include "scatlight/error.h"
#include "support/expect_error.h"
#include "support/mutate.h"

namespace scatlight::data {
namespace {

using test::expect_error;
using test::voc_object;
using test::voc_size;
using test::VocFolder;

TEST(Voc, ReadsBoxesHalfOpenAndClassesSorted) {
  VocFolder folder;
  folder.add_picture("b", voc_size(40, 30) + voc_object("dog", 1, 1, 40, 30) +
                              voc_object(" cat\n", 3, 4, 10, 20, "<difficult>1</difficult>"));
  folder.add_picture("a", voc_object("dog", 5, 5, 5, 9, "<difficult>0</difficult><pose>Left</pose>"));
  folder.add_picture("c", voc_size(40, 30));
  const auto listed = list_voc(folder.path(), "train");
  EXPECT_EQ(listed.classes, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(listed.category_ids, (std::vector<std::int64_t>{1, 2}));
  ASSERT_EQ(listed.samples.size(), 3U);
  const auto& first = listed.samples[0];
  EXPECT_EQ(first.file, folder / "JPEGImages/b.png");
  EXPECT_EQ(first.id, 1);
  EXPECT_EQ(first.size, (ImageSize{40, 30}));
  EXPECT_EQ(first.objects,
            (std::vector<Object>{{.box = {0, 0, 40, 30}, .label = 1, .area = 1200},
                                 {.box = {2, 3, 10, 20}, .label = 0, .difficult = true, .area = 136}}));
  EXPECT_EQ(listed.samples[1].size, (ImageSize{40, 30})) << "of the file, where the annotation says none";
  EXPECT_EQ(listed.samples[1].objects[0].box, (Rect{4, 4, 5, 9})) << "one pixel wide";
  EXPECT_EQ(listed.counts, (BoxCounts{.images = 3, .empty = 1, .objects = 3, .difficult = 1}));
  EXPECT_EQ(describe(listed),
            "3 images of 2 classes (cat, dog), 3 objects; 1 image without objects, 1 object difficult");
}

TEST(Voc, TakesTheLabelsOfAnEarlierTraining) {
  VocFolder folder;
  folder.add_picture("a", voc_object("dog", 1, 1, 9, 9));
  BoxListOptions options{.known_classes = std::vector<std::string>{"ant", "dog"}};
  EXPECT_EQ(list_voc(folder.path(), "train", options).samples[0].objects[0].label, 1);
  options.known_classes = {"ant", "bee"};
  expect_error([&] { list_voc(folder.path(), "train", options); },
               "a.xml: the class 'dog' is not among the 2 known classes (ant, bee)");
}

TEST(Voc, ReadsSplitsAsProgramsWriteThem) {
  VocFolder folder;
  folder.add_picture("a b", "");
  folder.add_picture("c", "");
  folder.add("ImageSets/Main/train.txt", "\xEF\xBB\xBF  a b \r\n\r\nc");
  folder.add("JPEGImages/d.JPEG", test::as_text(test::to_jpeg(test::draw_picture(16))));
  folder.add("Annotations/d.xml", "<annotation/>");
  folder.add("ImageSets/Main/val.txt", "d");
  EXPECT_EQ(list_voc(folder.path(), "train").samples.size(), 2U);
  EXPECT_EQ(list_voc(folder.path(), "val").samples[0].file, folder / "JPEGImages/d.JPEG");
}

TEST(Voc, RefusesWhatIsNoSplit) {
  VocFolder folder;
  const auto refuses = [&](std::string_view text) {
    expect_error([&] { list_voc(folder.path(), "train"); }, text);
  };
  refuses("there is no split in it; expected are Annotations, JPEGImages and ImageSets/Main/*.txt");
  folder.add("ImageSets/Main/val.txt", "a");
  folder.add("ImageSets/Main/test.txt", "a");
  folder.add("ImageSets/Main/dog_val.txt", "a");
  refuses("train.txt: no such split; there are test, val");
  folder.add("ImageSets/Main/train.txt", "\n \n");
  refuses("train.txt: there is no name in it");
  folder.add("ImageSets/Main/train.txt", "a\nb\na\n");
  refuses("train.txt: line 3: a is listed twice");
  folder.add("ImageSets/Main/train.txt", "a\n../../b\n");
  refuses("train.txt: line 2: the file name '../../b' leads out of the data set");
  folder.add("ImageSets/Main/train.txt", "/etc/passwd");
  refuses("line 1: the file name '/etc/passwd' leads out");
  folder.add("ImageSets/Main/train.txt", "a\n");
  refuses("Annotations/a.xml: No such file or directory");
  folder.add("Annotations/a.xml", "<annotation/>");
  refuses("JPEGImages/a: no picture of this name (.jpg, ");
  folder.add("JPEGImages/a.jpg", "no picture");
  refuses("a.jpg: it is neither a JPEG nor a PNG nor a WebP");
}

/// What is wrong with an annotation, and what is said of it.
struct Fault {
  std::string content;
  std::string text;
};

std::vector<Fault> faults() {
  const auto box = [](std::string_view numbers) {
    return fmt::format("<object><name>dog</name><bndbox>{}</bndbox></object>", numbers);
  };
  const auto xmin = [&](std::string_view value) {
    return box(fmt::format("<xmin>{}</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>", value));
  };
  std::string many;
  for (int i = 0; i < 5001; ++i) many += voc_object("dog", 1, 1, 9, 9);
  return {
      {"<object>", "bad.xml: it is cut or broken at byte"},
      {"<object><name>dog</name></object>", "bad.xml: object 1 (dog): it has no bndbox"},
      {"<object><bndbox/></object>", "bad.xml: object 1: its name is empty"},
      {"<object><name> </name></object>", "bad.xml: object 1: its name is empty"},
      {"<object><name>caf\xe9</name></object>", "bad.xml: object 1: its name is not UTF-8"},
      {voc_object("dog", 1, 1, 9, 9) + box("<xmin>1</xmin>"), "object 2 (dog): bndbox has no ymin"},
      {xmin(""), "object 1 (dog): xmin is '', but must be a number within 1000000"},
      {xmin("five"), "xmin is 'five'"},
      {xmin("5px"), "xmin is '5px'"},
      {xmin("nan"), "xmin is 'nan'"},
      {xmin("-inf"), "xmin is '-inf'"},
      {xmin("1e7"), "xmin is '1e7'"},
      {voc_object("dog", 9, 1, 8, 9), "xmax 8 is less than xmin 9"},
      {voc_object("dog", 1, 9, 8, 8), "ymax 8 is less than ymin 9"},
      {voc_object("dog", 1, 1, 9, 9, "<difficult>yes</difficult>"), "difficult is 'yes', but must be 0 or 1"},
      {voc_size(40, 0), "its size is 40 x 0 pixels"},
      {"<size><width>40</width></size>", "size has no height"},
      {voc_size(30, 40) + voc_object("dog", 1, 1, 9, 9),
       "it says that bad.png has 30 x 40 pixels, but the file has 40 x 30"},
      {voc_object("a\x1b[31m", 9, 1, 8, 9), "object 1 (a\\x1b[31m)"},
      {many, "bad.xml: it has 5001 objects, at most 5000 are accepted"},
      {std::string(1 << 20, ' '), "at most 1048576 are accepted"},
  };
}

TEST(Voc, SaysWhatIsWrongWithAnAnnotation) {
  VocFolder folder;
  folder.add_picture("good", voc_object("dog", 1, 1, 9, 9));
  folder.add_picture("bad", "");
  for (const auto& [content, text] : faults()) {
    folder.add("Annotations/bad.xml", "<annotation>" + content + "</annotation>");
    expect_error([&] { list_voc(folder.path(), "train"); }, text);
    const auto listed = list_voc(folder.path(), "train", {.skip_bad = true});
    EXPECT_EQ(listed.samples.size(), 1U) << text;
    ASSERT_EQ(listed.skipped.size(), 1U) << text;
    EXPECT_NE(listed.skipped[0].file.find("/bad."), std::string::npos) << listed.skipped[0].file;
    EXPECT_NE(listed.skipped[0].reason.find(text), std::string::npos) << listed.skipped[0].reason;
  }
  folder.add("Annotations/bad.xml", "<annotations/>");
  expect_error([&] { list_voc(folder.path(), "train"); }, "bad.xml: there is no annotation in it");
}

TEST(Voc, TrimsBoxesAtTheEdge) {
  VocFolder folder;
  folder.add_picture("a", voc_object("dog", 0, 1, 41, 30));  // counted from 0, and a pixel too long
  auto listed = list_voc(folder.path(), "train");
  EXPECT_EQ(listed.samples[0].objects[0].box, (Rect{0, 0, 40, 30}));
  EXPECT_EQ(listed.samples[0].objects[0].area, 1200);
  EXPECT_EQ(listed.counts.trimmed, 1);

  folder.add_picture("b", voc_object("dog", 11, 11, 42, 30) + voc_object("dog", 60, 1, 70, 10));
  expect_error(
      [&] { list_voc(folder.path(), "train"); },
      "b.xml: object 1 (dog): its box 10, 10, 42, 30 (left, top, right, bottom) is not within 40 x 30");
  listed = list_voc(folder.path(), "train", {.skip_bad = true});
  ASSERT_EQ(listed.samples[1].objects.size(), 1U);
  EXPECT_EQ(listed.samples[1].objects[0].box, (Rect{10, 10, 40, 30}));
  EXPECT_EQ(listed.counts, (BoxCounts{.images = 2, .objects = 2, .trimmed = 2, .dropped = 1}));
  EXPECT_TRUE(listed.skipped.empty());
}

// An annotation of the stored picture is turned with it, one of the upright picture is not.
TEST(Voc, BoxesFollowTheOrientationOfThePicture) {
  Image image{.width = 64, .height = 32, .rgb = std::vector<std::uint8_t>(3 * 64 * 32)};
  for (int y = 8; y < 16; ++y) {
    for (int x = 40; x < 56; ++x) image.rgb[static_cast<std::size_t>(3 * (y * 64 + x) + 1)] = 255;
  }
  const Rect stored{40, 8, 56, 16};
  VocFolder folder;
  folder.add("ImageSets/Main/train.txt", "a");
  for (int orientation = 1; orientation <= 8; ++orientation) {
    folder.add("JPEGImages/a.jpg",
               test::as_text(test::with_orientation(test::to_jpeg(image, 100), orientation)));
    const auto upright = make_upright(stored, {64, 32}, orientation);
    const bool is_turned = swaps_sides(orientation);
    const auto list = [&](int width, int height, const Rect& box) {
      folder.add("Annotations/a.xml",
                 "<annotation>" + voc_size(width, height) +
                     voc_object("dog", int(box.left) + 1, int(box.top) + 1, int(box.right), int(box.bottom)) +
                     "</annotation>");
      return list_voc(folder.path(), "train");
    };
    const auto of_upright = is_turned ? list(32, 64, upright) : list(64, 32, upright);
    EXPECT_EQ(of_upright.samples[0].objects[0].box, upright) << orientation;
    EXPECT_EQ(of_upright.counts.turned, 0);
    if (is_turned) {
      const auto of_stored = list(64, 32, stored);
      EXPECT_EQ(of_stored.samples[0].objects[0].box, upright) << orientation;
      EXPECT_EQ(of_stored.samples[0].size, (ImageSize{32, 64}));
      EXPECT_EQ(of_stored.counts.turned, 1);
    }
    // The box holds the light part of what the decoder gives.
    const auto decoded = decode_file(of_upright.samples[0].file);
    const auto green = [&](float x, float y) {
      return decoded.rgb[static_cast<std::size_t>(3 * (int(y) * decoded.width + int(x)) + 1)];
    };
    EXPECT_GT(green(upright.left + 1, upright.top + 1), 200) << orientation;
    EXPECT_GT(green(upright.right - 2, upright.bottom - 2), 200) << orientation;
    EXPECT_LT(green(upright.left - 2, upright.top - 2), 50) << orientation;
  }
}

TEST(Voc, SurvivesDamagedFiles) {
  VocFolder folder;
  const auto content = voc_size(40, 30) + voc_object("dog", 1, 1, 9, 9) + "<!-- x --><pose a=\"1\"/>" +
                       voc_object("<![CDATA[cat]]>", 2, 3, 9, 9, "<difficult>1</difficult>");
  folder.add_picture("a", content);
  const auto text = "<annotation>" + content + "</annotation>";
  std::mt19937_64 random(1);
  const int rounds = test::mutation_rounds(300);
  int read = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto damaged = i % 3 == 0 ? test::mutate(text, random) : test::exchange_part(text, "<>", random);
    folder.add("Annotations/a.xml", damaged);
    try {
      list_voc(folder.path(), "train", {.skip_bad = i % 2 == 0, .threads = 1});
      ++read;
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
    }
  }
  fmt::print("  {} of {} read\n", read, rounds);
  EXPECT_GT(read, rounds / 2);
  EXPECT_LT(read, rounds);
}

TEST(Voc, SurvivesDeepNesting) {
  VocFolder folder;
  folder.add_picture("a", "");
  std::string deep;
  for (int i = 0; i < 140'000; ++i) deep += "<a>";
  folder.add("Annotations/a.xml", deep);
  expect_error([&] { list_voc(folder.path(), "train"); }, "a.xml: it is cut or broken");
  for (int i = 0; i < 140'000; ++i) deep += "</a>";
  folder.add("Annotations/a.xml", deep);
  expect_error([&] { list_voc(folder.path(), "train"); }, "a.xml: there is no annotation in it");
}

TEST(BoxFolder, JoinsDataSets) {
  VocFolder a;
  a.add_picture("1", voc_object("dog", 1, 1, 9, 9));
  VocFolder b;
  b.add_picture("1", voc_object("cat", 1, 1, 9, 9) + voc_object("dog", 2, 2, 9, 9));
  b.add_picture("2", "");
  auto joined = join({list_voc(a.path(), "train"), list_voc(b.path(), "train")});
  EXPECT_EQ(joined.classes, (std::vector<std::string>{"dog", "cat"}));
  EXPECT_EQ(joined.category_ids, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(joined.counts, (BoxCounts{.images = 3, .empty = 1, .objects = 3}));
  EXPECT_EQ(joined.samples[1].id, 2);
  EXPECT_EQ(joined.samples[0].objects[0].label, 0);
  EXPECT_EQ(joined.samples[1].objects[0].label, 1);
  EXPECT_EQ(joined.samples[1].objects[1].label, 0);
  EXPECT_EQ(drop_empty(joined), 1);
  EXPECT_EQ(joined.samples.size(), 2U);
  EXPECT_EQ(joined.counts, (BoxCounts{.images = 2, .objects = 3}));
  EXPECT_EQ(joined.roots, (std::vector<std::filesystem::path>{a.path() / "ImageSets/Main/train.txt",
                                                              b.path() / "ImageSets/Main/train.txt"}));
}

TEST(BoxFolder, ASingleDataSetKeepsItsNumbers) {
  EXPECT_EQ(join({{.samples = {{.file = "a.png", .id = 42}}}}).samples[0].id, 42);
}

TEST(BoxFolder, HasAFingerprintOfPicturesAndObjects) {
  VocFolder folder;
  folder.add_picture("a", voc_object("dog", 1, 1, 9, 9));
  const auto of = [&] { return fingerprint(list_voc(folder.path(), "train")); };
  const auto first = of();
  EXPECT_EQ(of(), first);
  folder.add("Annotations/a.xml", "<annotation>" + voc_object("dog", 1, 1, 9, 8) + "</annotation>");
  EXPECT_NE(of(), first);
  folder.add("Annotations/a.xml", "<annotation>" + voc_object("dog", 1, 1, 9, 9) + "</annotation>");
  EXPECT_EQ(of(), first);
  folder.add("JPEGImages/a.png", test::plain_png(400, 300));
  EXPECT_NE(of(), first);
}

TEST(BoxFolder, CannotBeTrainedOnWithoutObjects) {
  VocFolder folder;
  folder.add_picture("a", voc_object("dog", 1, 1, 9, 9));
  require_objects(list_voc(folder.path(), "train"));
  const BoxListOptions options{.known_classes = std::vector<std::string>{"ant", "bee", "dog"}};
  const auto lacking = list_voc(folder.path(), "train", options);
  expect_error([&] { require_objects(lacking); }, "there is no object of 2 classes (ant, bee)");
  EXPECT_NE(describe(lacking).find("; none of ant, bee"), std::string::npos);
  folder.add("Annotations/a.xml", "<annotation/>");
  expect_error([&] { require_objects(list_voc(folder.path(), "train")); },
               "there is no object to train on in 1 image");
}

}  // namespace
}  // namespace scatlight::data
