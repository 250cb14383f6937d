#include "data/folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::TemporaryFolder;

std::vector<std::string> names(const ImageFolder& folder) {
  std::vector<std::string> result;
  for (const auto& sample : folder.samples) {
    result.push_back(std::to_string(sample.label) + " " +
                     fs::path(sample.name).lexically_relative(folder.root).string());
  }
  return result;
}

TEST(ImageFolder, ListsClassesAndImagesSorted) {
  const TemporaryFolder folder;
  for (const char* name : {"dog/b.JPG", "dog/a.jpeg", "cat/deep/er/1.png", "cat/0.Jpg", "Zebra/z.PNG"}) {
    folder.add(name, "");
  }
  const auto listed = list_image_folder(folder.path());
  EXPECT_EQ(listed.classes, (std::vector<std::string>{"Zebra", "cat", "dog"}));
  EXPECT_EQ(names(listed), (std::vector<std::string>{"0 Zebra/z.PNG", "1 cat/0.Jpg", "1 cat/deep/er/1.png",
                                                     "2 dog/a.jpeg", "2 dog/b.JPG"}));
  EXPECT_EQ(listed.left_out.total(), 0);
}

TEST(ImageFolder, TakesEveryEndingOfTheFormatsThatAreRead) {
  const TemporaryFolder folder;
  for (const char* name : {"a/1.jpg", "a/2.jpeg", "a/3.jpe", "a/4.JFIF", "a/5.png", "a/6.apng", "a/7.WebP"}) {
    folder.add(name, "");
  }
  EXPECT_EQ(list_image_folder(folder.path()).samples.size(), 7U);
}

TEST(ImageFolder, SaysWhatItLeavesOut) {
  const TemporaryFolder folder;
  folder.add("cat/0.jpg", "");
  EXPECT_EQ(describe(list_image_folder(folder.path()).left_out), "");
  for (const char* name : {"cat/1.tiff", "cat/deep/2.TIFF", "cat/3.bmp", "cat/notes.txt", "cat/Makefile",
                           "README.md", "stray.png", "cat/.hidden.jpg", "cat/.cache/1.jpg", ".git/x"}) {
    folder.add(name, "");
  }
  const auto listed = list_image_folder(folder.path());
  EXPECT_EQ(names(listed), std::vector<std::string>{"0 cat/0.jpg"});
  EXPECT_EQ(listed.left_out.total(), 10);
  EXPECT_EQ(describe(listed.left_out),
            "10 files left out: 3 pictures (2 .tiff, 1 .bmp), 3 others (1 without an ending, 1 .md, 1 .txt), "
            "1 image in no class folder, 3 hidden; .jpg, .jpeg, .jpe, .jfif, .png, .apng and .webp are read");
}

TEST(ImageFolder, TellsFewOfManyEndings) {
  LeftOut left_out;
  for (const char* name : {"a.a", "a.b", "a.c", "a.d", "a.e", "a.f", "a.g\x1b[31m", "b.g\x1b[31m"}) {
    left_out.add(kind_of(name), name);
  }
  const auto text = describe(left_out);
  EXPECT_NE(text.find("8 others (2 .g\\x1b[31m, 1 .a, 1 .b, 1 .c, 1 .d, 1 .e, ...)"), std::string::npos)
      << text;
}

TEST(ImageFolder, DoesNotLookIntoFoldersThatProgramsKeep) {
  const TemporaryFolder folder;
  for (const char* name : {"@eaDir/0.jpg/THUMB_M.jpg", "cat/@eaDir/0.jpg/THUMB_M.jpg", "__MACOSX/cat/._0.jpg",
                           "lost+found/1.jpg", "cat/0.jpg", "cat/Thumbs.db"}) {
    folder.add(name, "");
  }
  const auto listed = list_image_folder(folder.path());
  EXPECT_EQ(listed.classes, std::vector<std::string>{"cat"});
  EXPECT_EQ(names(listed), std::vector<std::string>{"0 cat/0.jpg"});
  EXPECT_EQ(listed.left_out.hidden, 5);
}

TEST(ImageFolder, SaysWhatItHolds) {
  const TemporaryFolder folder;
  folder.add("a/0.jpg", "");
  EXPECT_EQ(describe(list_image_folder(folder.path())), "1 image of 1 class (a)");
  for (const char* name : {"a/1.jpg", "b/0.jpg", "d/0.txt"}) folder.add(name, "");
  EXPECT_EQ(describe(list_image_folder(folder.path(), std::vector<std::string>{"a", "b", "c", "d"})),
            "3 images of 4 classes (a, b, c, d), none of c, d");
  for (char c = 'c'; c < 'n'; ++c) folder.add(std::string(1, c) + "/0.jpg", "");
  EXPECT_EQ(describe(list_image_folder(folder.path())),
            "14 images of 13 classes (a, b, c, d, e, f, g, h, i, j, ...)");
}

TEST(ImageFolder, FollowsLinks) {
  const TemporaryFolder folder;
  folder.add("elsewhere/cats/0.jpg", "");
  fs::create_directories(folder / "root");
  fs::create_directory_symlink(folder / "elsewhere/cats", folder / "root/cat");
  fs::create_symlink("0.jpg", folder / "elsewhere/cats/1.jpg");
  const auto listed = list_image_folder(folder / "root");
  EXPECT_EQ(names(listed).size(), 2U);
}

TEST(ImageFolder, TakesTheLabelsOfAnEarlierTraining) {
  const TemporaryFolder folder;
  folder.add("dog/0.jpg", "");
  folder.add("ant/0.jpg", "");
  const std::vector<std::string> known = {"ant", "bee", "cat", "dog"};
  const auto listed = list_image_folder(folder.path(), known);
  EXPECT_EQ(listed.classes, known);
  EXPECT_EQ(names(listed), (std::vector<std::string>{"0 ant/0.jpg", "3 dog/0.jpg"}));
}

TEST(ImageFolder, OfAnEarlierTrainingMayLackImagesOfAClass) {
  const TemporaryFolder folder;
  folder.add("dog/words.txt", "");
  const std::vector<std::string> known = {"cat", "dog"};
  expect_error([&] { list_image_folder(folder.path(), known); },
               "its class folders hold no image (1 file left out: 1 other (1 .txt); .jpg, ");
  folder.add("cat/0.jpg", "");
  const auto listed = list_image_folder(folder.path(), known);
  EXPECT_EQ(names(listed), std::vector<std::string>{"0 cat/0.jpg"});
  EXPECT_EQ(listed.left_out.total(), 1);
}

TEST(ImageFolder, RefusesWhatIsNoDataSet) {
  const TemporaryFolder folder;
  expect_error([&] { list_image_folder(folder / "absent"); }, "absent: No such file or directory");
  expect_error(
      [&] { list_image_folder(folder.path()); },
      "there is no class folder in it (.jpg, .jpeg, .jpe, .jfif, .png, .apng and .webp are read); expected");
  folder.add("one.jpg", "");
  folder.add("two.png", "");
  expect_error([&] { list_image_folder(folder.path()); },
               "there is no class folder in it (2 files left out: 2 images in no class folder; ");
  expect_error([&] { list_image_folder(folder / "one.jpg"); }, "one.jpg: Not a directory");
  folder.add("cat/0.jpg", "");
  folder.add("dog/picture.tiff", "");
  expect_error([&] { list_image_folder(folder.path()); },
               "dog: the class folder holds no image (1 file left out: 1 picture (1 .tiff); .jpg, ");
  folder.add("dog/0.jpg", "");
  expect_error([&] { list_image_folder(folder.path(), std::vector<std::string>{"cat", "cow"}); },
               "the class 'dog' is not among the 2 known classes (cat, cow)");
}

TEST(ImageFolder, FollowsNoLinkIntoAFolderThatItLiesIn) {
  const TemporaryFolder folder;
  folder.add("root/cat/0.jpg", "");
  folder.add("root/cat/deep/1.jpg", "");
  folder.add("beside/2.jpg", "");
  fs::create_directory_symlink(".", folder / "root/cat/self");
  fs::create_directory_symlink("../..", folder / "root/cat/deep/root");
  fs::create_directory_symlink("..", folder / "root/above");  // would be a class
  fs::create_directory_symlink(folder / "beside", folder / "root/cat/beside");
  fs::create_directory_symlink(folder / "root/cat", folder / "beside/back");
  fs::create_directory_symlink("loop", folder / "root/cat/loop");  // leads nowhere
  const auto listed = list_image_folder(folder / "root");
  EXPECT_EQ(listed.classes, std::vector<std::string>{"cat"});
  EXPECT_EQ(names(listed),
            (std::vector<std::string>{"0 cat/0.jpg", "0 cat/beside/2.jpg", "0 cat/deep/1.jpg"}));
  EXPECT_EQ(listed.left_out.circular_links, 4);
  EXPECT_EQ(listed.left_out.others.at(""), 1);
  EXPECT_EQ(list_images(folder / "root/cat").size(), 3U);
}

TEST(ListImages, OfAFileAndOfAFolder) {
  const TemporaryFolder folder;
  folder.add("b/2.jpg", "");
  folder.add("1.png", "");
  folder.add("c/words.txt", "");
  LeftOut left_out;
  EXPECT_EQ(list_images(folder.path(), left_out),
            (std::vector<fs::path>{folder / "1.png", folder / "b/2.jpg"}));
  EXPECT_EQ(list_images(folder / "c/words.txt", left_out), std::vector<fs::path>{folder / "c/words.txt"});
  EXPECT_EQ(list_images(folder / "b", left_out), std::vector<fs::path>{folder / "b/2.jpg"});
  EXPECT_EQ(left_out.total(), 1);
  expect_error([&] { list_images(folder / "c"); },
               "there is no image in it (1 file left out: 1 other (1 .txt); .jpg");
  expect_error([&] { list_images(folder / "d"); }, "no such file or folder");
}

}  // namespace
}  // namespace scatlight::data
