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
    result.push_back(std::to_string(sample.label) + " " + fs::relative(sample.file, folder.root).string());
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
  EXPECT_EQ(listed.other_files, 0);
}

TEST(ImageFolder, CountsWhatItLeavesOut) {
  const TemporaryFolder folder;
  for (const char* name : {"cat/0.jpg", "cat/notes.txt", "cat/.hidden.jpg", "cat/.cache/1.jpg", "README.md",
                           "stray.jpg", ".git/x"}) {
    folder.add(name, "");
  }
  const auto listed = list_image_folder(folder.path());
  EXPECT_EQ(names(listed), std::vector<std::string>{"0 cat/0.jpg"});
  EXPECT_EQ(listed.other_files, 6);
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

TEST(ImageFolder, RefusesWhatIsNoDataSet) {
  const TemporaryFolder folder;
  expect_error([&] { list_image_folder(folder / "absent"); }, "absent: No such file or directory");
  expect_error([&] { list_image_folder(folder.path()); }, "there is no class folder in it; expected are");
  folder.add("one.jpg", "");
  folder.add("two.png", "");
  expect_error([&] { list_image_folder(folder.path()); }, "there is no class folder in it, but 2 images");
  expect_error([&] { list_image_folder(folder / "one.jpg"); }, "one.jpg: Not a directory");
  folder.add("cat/0.jpg", "");
  folder.add("dog/words.txt", "");
  expect_error([&] { list_image_folder(folder.path()); },
               "dog: the class folder holds no .jpg, .jpeg or .png file");
  folder.add("dog/0.jpg", "");
  expect_error([&] { list_image_folder(folder.path(), std::vector<std::string>{"cat", "cow"}); },
               "the class 'dog' is not among the 2 known classes (cat, cow)");
}

TEST(ImageFolder, RefusesAFolderThatContainsItself) {
  const TemporaryFolder folder;
  folder.add("cat/0.jpg", "");
  fs::create_directory_symlink(folder / "cat", folder / "cat/again");
  expect_error([&] { list_image_folder(folder.path()); }, "Too many levels of symbolic links");
}

TEST(ListImages, OfAFileAndOfAFolder) {
  const TemporaryFolder folder;
  folder.add("b/2.jpg", "");
  folder.add("1.png", "");
  folder.add("c/words.txt", "");
  EXPECT_EQ(list_images(folder.path()), (std::vector<fs::path>{folder / "1.png", folder / "b/2.jpg"}));
  EXPECT_EQ(list_images(folder / "c/words.txt"), std::vector<fs::path>{folder / "c/words.txt"});
  expect_error([&] { list_images(folder / "c"); }, "there is no .jpg, .jpeg or .png file in it");
  expect_error([&] { list_images(folder / "d"); }, "no such file or folder");
}

}  // namespace
}  // namespace scatlight::data
