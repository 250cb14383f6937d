#include "data/archive.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/fingerprint.h"
#include "data/folder.h"
#include "data/loader.h"
#include "data/pack.h"
#include "data/pictures.h"
#include "io/file.h"
#include "support/expect_error.h"
#include "support/mutate.h"
#include "support/tar_files.h"
#include "support/temporary_folder.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;
using test::as_text;
using test::draw_picture;
using test::expect_error;
using test::tar_end;
using test::tar_header;
using test::tar_member;
using test::TemporaryFolder;
using Members = std::vector<std::pair<std::string, std::string>>;
using Names = std::vector<std::string>;

std::string archive_of(const Members& members) {
  std::string archive;
  for (const auto& [name, content] : members) archive += tar_member(name, content);
  return archive + tar_end();
}

/// "LABEL NAME", without the root.
Names names(const ImageFolder& folder) {
  Names result;
  for (const auto& sample : folder.samples) {
    result.push_back(fmt::format("{} {}", sample.label, sample.name.substr(folder.root.native().size() + 1)));
  }
  return result;
}

void refuse(const TemporaryFolder& folder, std::string_view reason, const std::optional<Names>& known = {}) {
  expect_error([&] { list_image_folder(folder.path(), known); }, reason);
}

TEST(ClassArchives, ListTheImagesOfEachClass) {
  const TemporaryFolder folder;
  folder.add("dog.tar", archive_of({{"b.JPEG", ""}, {"a.png", ""}, {"notes.txt", ""}, {"._b.JPEG", ""}}));
  folder.add("cat.tar",
             archive_of({{"./cat/deep/1.jpg", ""}, {"./cat/0.jpg", ""}, {"cat/.cache/2.jpg", ""}}));
  folder.add("Cat-like.tar", archive_of({{"some/where/0.webp", ""}}));
  folder.add("README.md", "");
  folder.add(".hidden.tar", "");
  const auto listed = list_image_folder(folder.path());
  EXPECT_EQ(listed.classes, (Names{"Cat-like", "cat", "dog"}));
  EXPECT_EQ(names(listed), (Names{"0 Cat-like.tar:some/where/0.webp", "1 cat.tar:cat/0.jpg",
                                  "1 cat.tar:cat/deep/1.jpg", "2 dog.tar:a.png", "2 dog.tar:b.JPEG"}));
  EXPECT_EQ(listed.left_out.total(), 5);
  EXPECT_EQ(listed.left_out.hidden, 3);
  EXPECT_EQ(listed.left_out.others, (std::map<std::string, std::int64_t>{{".md", 1}, {".txt", 1}}));
}

TEST(ClassArchives, TakeTheLabelsOfAnEarlierTraining) {
  const TemporaryFolder folder;
  folder.add("dog.tar", archive_of({{"0.jpg", ""}}));
  const auto listed = list_image_folder(folder.path(), Names{"cat", "dog"});
  EXPECT_EQ(listed.classes, (Names{"cat", "dog"}));
  EXPECT_EQ(names(listed), Names{"1 dog.tar:0.jpg"});
  refuse(folder, "the class 'dog' is not among the 1 known classes (cat)", Names{"cat"});
}

TEST(ClassArchives, RefuseWhatIsNoClass) {
  const TemporaryFolder folder;
  folder.add("train.tar", archive_of({{"train/cat/0.jpg", ""}, {"train/cat/1.jpg", ""}}));
  EXPECT_EQ(list_image_folder(folder.path()).samples.size(), 2U);
  folder.add("val.tar", archive_of({{"part/cat/0.jpg", ""}, {"part/dog/0.jpg", ""}}));
  refuse(folder, "val.tar: its images lie in several folders, as ");
  refuse(folder, "val.tar:part/cat/0.jpg and ");
  folder.add("val.tar", archive_of({{"n01.tar", ""}, {"n02.tar", ""}}));
  refuse(folder, "val.tar: it holds no image (but archives: unpack it");
  folder.add("val.tar", archive_of({{"words.txt", ""}}));
  refuse(folder, "val.tar: it holds no image (1 file left out: 1 other (1 .txt)");
  refuse(folder, "val.tar: it holds no image", Names{"train", "val"});
  folder.add("val.tar", archive_of({{"0.jpg", "first"}, {"1.jpg", ""}, {"./0.jpg", "second"}}));
  refuse(folder, "val.tar:0.jpg: the archive holds it twice");
  folder.add("val.tar", archive_of({{"0.jpg", "first"}}).substr(0, 1024));
  refuse(folder, "val.tar: it was cut off");
  folder.add("val.tar", tar_header("0.jpg", 0, '1') + tar_end());
  refuse(folder, "val.tar:0.jpg: it is a link; an archive made with --dereference");
  folder.add("val.tar", tar_header("0.jpg", 0, 'S') + tar_end());
  refuse(folder, "val.tar:0.jpg: it is a sparse file; an archive made without --sparse");
  folder.add("val.tar", tar_header("0.jpg", 0, '6') + tar_end());
  refuse(folder, "val.tar:0.jpg: it is no regular file");
}

TEST(Shards, PairImagesWithTheirClasses) {
  const TemporaryFolder folder;
  folder.add("b.tar",
             archive_of({{"deep.er/0.cls", " 1\n"}, {"deep.er/0.Jpg", ""}, {"z.png", ""}, {"z.cls", "0"}}));
  folder.add("a.tar", archive_of({{"z.jpeg", ""}, {"z.left.jpg", ""}, {"z.json", "{}"}, {"z.CLS", "1\r\n"}}));
  const auto listed = list_image_folder(folder.path());
  EXPECT_EQ(listed.classes, (Names{"0", "1"}));
  EXPECT_EQ(names(listed), (Names{"0 b.tar:z.png", "1 b.tar:deep.er/0.Jpg", "1 a.tar:z.jpeg"}));
  EXPECT_EQ(listed.left_out.others, (std::map<std::string, std::int64_t>{{".jpg", 1}, {".json", 1}}));
}

TEST(Shards, HaveTheirClassesNamedInAFile) {
  const TemporaryFolder folder;
  folder.add("a.tar", archive_of({{"0.jpg", ""}, {"0.cls", "1"}, {"1.jpg", ""}, {"1.cls", "0"}}));
  const auto list = [&](std::string_view text) { folder.add("classes.txt", text); };
  list("dog\r\nold cat\r\n");
  const auto listed = list_image_folder(folder.path());
  EXPECT_EQ(listed.classes, (Names{"dog", "old cat"}));
  EXPECT_EQ(names(listed), (Names{"0 a.tar:1.jpg", "1 a.tar:0.jpg"}));
  EXPECT_EQ(listed.left_out.total(), 0);
  const auto known = list_image_folder(folder.path(), Names{"ant", "old cat", "dog"});
  EXPECT_EQ(known.classes, (Names{"ant", "old cat", "dog"}));
  EXPECT_EQ(names(known), (Names{"2 a.tar:1.jpg", "1 a.tar:0.jpg"})) << "in the order of their own numbers";

  list("dog\ncat");
  EXPECT_EQ(list_image_folder(folder.path()).classes, (Names{"dog", "cat"}));
  refuse(folder, "the class 'dog' is not among the 1 known classes (cat)", Names{"cat"});
  list("dog\n");
  refuse(folder, "a.tar:0.jpg: its class is 1, but classes.txt names 1 class, from 0 on");
  list("dog\ncat\ncow\n");
  refuse(folder, "no image is of class 2, which is 'cow' in classes.txt");
  list("dog\n\ncat\n");
  refuse(folder, "classes.txt: line 2 is empty");
  list("dog\ncat\ndog\n");
  refuse(folder, "classes.txt: line 3 names 'dog' again");
  list("");
  refuse(folder, "classes.txt: it names no class");
}

TEST(Shards, WithoutNamesOfClassesHaveNoGap) {
  const TemporaryFolder folder;
  const auto with_classes = [&](const char* first, const char* second) {
    folder.add("a.tar", archive_of({{"0.jpg", ""}, {"0.cls", first}, {"1.jpg", ""}, {"1.cls", second}}));
  };
  with_classes("2", "1");
  refuse(folder,
         "a.tar:1.jpg: its class is 1, but no image is of class 0; without classes.txt classes have the "
         "numbers");
  EXPECT_EQ(names(list_image_folder(folder.path(), Names{"0", "1", "2"})),
            (Names{"1 a.tar:1.jpg", "2 a.tar:0.jpg"}));
  refuse(folder, ", which has no classes.txt: the class '1' is not among the 2 known classes (cat, dog)",
         Names{"cat", "dog"});
  with_classes("0", "9223372036854775807");
  refuse(folder, "a.tar:1.jpg: its class is 9223372036854775807, but no image is of class 1");
}

TEST(Shards, RefuseWhatIsNoPair) {
  const TemporaryFolder folder;
  const auto refuse_members = [&](const Members& members, std::string_view reason) {
    folder.add("a.tar", archive_of(members));
    refuse(folder, reason);
  };
  const Members pair = {{"0.jpg", ""}, {"0.cls", "0"}};
  const auto with = [&](const Members& more) {
    auto all = pair;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  refuse_members(with({{"1.jpg", ""}}), "a.tar:1.jpg: there is no 1.cls beside it");
  refuse_members(with({{"1.cls", "0"}}), "a.tar:1.cls: there is no image beside it (.jpg, .jpeg,");
  refuse_members(with({{"1.jpg", ""}, {"2.cls", "0"}}), "a.tar:1.jpg: there is no 1.cls beside it");
  refuse_members(with({{".cls", "0"}, {"1.jpg", ""}}), "a.tar:1.jpg: there is no 1.cls beside it");
  refuse_members(with({{"0.png", ""}}), "a.tar:0.png: its key has another image");
  refuse_members(with({{"0.jpg", ""}}), "a.tar:0.jpg: its key has another image");
  refuse_members(with({{"0.cls", "1"}}), "a.tar:0.cls: the archive holds it twice");
  for (const auto* text : {"", " ", "x", "1x", "-1", "1.0", "0x1", "1 2", "99999999999999999999", "+1"}) {
    refuse_members({{"0.jpg", ""}, {"0.cls", text}}, "a.tar:0.cls: it holds '");
  }
  refuse_members({{"0.jpg", ""}, {"0.cls", std::string(100, '1')}},
                 "a.tar:0.cls: it has 100 bytes; the number");
  folder.add("a.tar", tar_member("0.jpg", "") + tar_header("0.cls", 0, '2') + tar_end());
  refuse(folder, "a.tar:0.cls: it is a link");
}

TEST(Archives, DoNotMixForms) {
  const TemporaryFolder folder;
  folder.add("a.tar", archive_of({{"0.jpg", ""}, {"0.cls", "0"}}));
  folder.add("b.tar", archive_of({{"0.jpg", ""}}));
  refuse(folder, "a.tar holds .cls files, ");
  refuse(folder, "b.tar does not: shards and archives of one class each do not mix");
  folder.add("b.tar", archive_of({}));
  refuse(folder, "b.tar: it holds no image");
  fs::remove(folder / "b.tar");
  folder.add("cat/0.jpg", "");
  refuse(folder, "it holds folders, as cat, and archives, as a.tar; a data set is in the ones or the others");
  expect_error([&] { list_image_folder(folder / "a.tar"); },
               "a.tar is an archive: give the folder that holds it");
  expect_error([&] { list_images(folder / "a.tar"); }, "a.tar is an archive; images are taken from files");
}

TEST(Archives, SayWhichOfManyIsDamaged) {
  const TemporaryFolder folder;
  for (char name = 'a'; name < 'q'; ++name) {
    const auto whole = archive_of({{"0.jpg", ""}});
    folder.add(std::string(1, name) + ".tar", name < 'f' ? whole : whole.substr(0, 512));
  }
  for (int i = 0; i < 5; ++i) refuse(folder, "f.tar: it was cut off");
}

/// A data set as folders of classes, as archives of classes and as shards.
class ThreeForms : public testing::Test {
 protected:
  ThreeForms() {
    std::string cats;
    std::string dogs;
    for (int i = 0; i < 17; ++i) {
      const auto picture = draw_picture(20 + i, 30, static_cast<std::uint64_t>(i));
      const auto content = i % 4 == 0 ? test::to_png(picture) : test::to_jpeg(picture);
      const bool is_cat = i % 3 == 0;
      const auto name = fmt::format("{:02}.{}", 20 - i, i % 4 == 0 ? "png" : "jpg");
      root_.add((is_cat ? "folders/cat/" : "folders/dog/") + name, as_text(content));
      (is_cat ? cats : dogs) += tar_member("./" + name, as_text(content));
    }
    root_.add("archives/cat.tar", cats + tar_end());
    root_.add("archives/dog.tar", dogs + tar_end());
    pack(list_image_folder(root_ / "folders"), {.out = root_ / "shards", .shard_images = 5}, [] {});
  }

  std::vector<Batch> load(const char* form, LoaderOptions options) const {
    const auto folder = list_image_folder(root_ / form);
    Loader loader(folder, recipe_, options);
    std::vector<Batch> batches;
    while (auto batch = loader.next()) batches.push_back(std::move(*batch));
    return batches;
  }

  TemporaryFolder root_;
  const Recipe recipe_{{.size = 16}};
};

TEST_F(ThreeForms, GiveTheSameBatches) {
  const LoaderOptions options{
      .batch_size = 4, .threads = 3, .seed = 7, .epoch = 1, .augment = true, .shuffle = true};
  const auto expected = load("folders", options);
  ASSERT_EQ(expected.size(), 5U);
  for (const auto* form : {"archives", "shards"}) {
    EXPECT_EQ(list_image_folder(root_ / form).classes, (Names{"cat", "dog"}));
    const auto batches = load(form, options);
    ASSERT_EQ(batches.size(), expected.size());
    for (std::size_t i = 0; i < batches.size(); ++i) {
      EXPECT_EQ(batches[i].images, expected[i].images);
      EXPECT_EQ(batches[i].labels, expected[i].labels);
      EXPECT_EQ(batches[i].indices, expected[i].indices);
    }
  }
}

TEST_F(ThreeForms, AreToldApartByTheirFingerprints) {
  const auto of = [&](const char* form) { return fingerprint(list_image_folder(root_ / form)); };
  EXPECT_NE(of("folders"), of("archives"));
  EXPECT_NE(of("archives"), of("shards"));
  const auto before = of("shards");
  fs::rename(root_ / "shards", root_ / "moved");
  EXPECT_EQ(of("moved"), before);
  const auto shard = root_ / "moved/shard-000000.tar";
  auto bytes = io::read_text(shard, 1 << 20);
  const auto label = bytes.find(".cls") / test::tar_block * test::tar_block + test::tar_block;
  bytes[label] = bytes[label] == '0' ? '1' : '0';
  root_.add("moved/shard-000000.tar", bytes);
  EXPECT_NE(of("moved"), before) << "another class of one image";
}

TEST_F(ThreeForms, SkipBadMembersAndNameThem) {
  const auto shard = root_ / "shards/shard-000001.tar";
  auto bytes = io::read_text(shard, 1 << 20);
  std::string bad_name = bytes.substr(0, bytes.find('\0'));
  bytes.replace(test::tar_block, 4, "oops");
  root_.add("shards/shard-000001.tar", bytes);
  const auto folder = list_image_folder(root_ / "shards");
  const auto full_name = shard.native() + ":" + bad_name;
  Loader strict(folder, recipe_, {.threads = 2});
  expect_error([&] { strict.next(); }, "cannot decode " + full_name + ": it is neither a JPEG nor a PNG");
  Loader lenient(folder, recipe_, {.threads = 2, .skip_bad = true});
  EXPECT_EQ(lenient.next()->count, 16);
  ASSERT_EQ(lenient.skipped().size(), 1U);
  EXPECT_EQ(lenient.skipped().front().file, full_name);
}

TEST_F(ThreeForms, AreNotReadFromAnArchiveThatChanged) {
  const auto folder = list_image_folder(root_ / "archives");
  const auto& cat = folder.samples.front();
  const auto& dog = folder.samples.back();
  open_image(cat);
  fs::rename(root_ / "archives/dog.tar", root_ / "archives/moved.tar");
  open_image(dog);
  fs::remove(root_ / "archives/moved.tar");
  expect_error([&] { open_image(dog); }, dog.name + ": cannot read ");
  expect_error([&] { open_image(dog); }, "dog.tar: it was deleted or replaced while it was in use");
  open_image(cat);
  fs::resize_file(root_ / "archives/cat.tar", 600);
  expect_error([&] { open_image(cat); }, cat.name + ": cannot read ");
}

TEST_F(ThreeForms, SurviveDamage) {
  const auto good = io::read_text(root_ / "shards/shard-000000.tar", 1 << 20);
  const TemporaryFolder folder;
  folder.add("classes.txt", "cat\ndog\n");
  folder.add("a.tar", archive_of({{"0.jpg", ""}, {"0.cls", "0"}, {"1.jpg", ""}, {"1.cls", "1"}}));
  std::mt19937_64 random(3);
  int refused = 0;
  int accepted = 0;
  for (int round = 0; round < test::mutation_rounds(1500); ++round) {
    auto bad = good;
    for (std::size_t at = 0; at + test::tar_block <= good.size(); at += test::tar_block) {
      const bool is_header = good.substr(at + 257, 5) == "ustar";
      if (random() % 6 != 0) continue;
      auto block = test::mutate(good.substr(at, test::tar_block), random);
      block.resize(test::tar_block);
      bad.replace(at, test::tar_block, block);
      if (is_header) test::repair_sum(bad, at);
    }
    folder.add("b.tar", bad);
    try {
      const auto listed = list_image_folder(folder.path());
      for (const auto& sample : listed.samples) {
        try {
          open_image(sample);
        } catch (const Error& error) {
          EXPECT_NE(std::string_view(error.what()).find(".tar:"), std::string_view::npos) << error.what();
        }
      }
      ++accepted;
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
      EXPECT_NE(std::string_view(error.what()).find("b.tar"), std::string_view::npos) << error.what();
      ++refused;
    }
  }
  fmt::print("  {} damaged shards refused, {} read\n", refused, accepted);
  EXPECT_GT(refused, 300);
}

}  // namespace
}  // namespace scatlight::data
