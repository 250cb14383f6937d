#include "data/hold_out.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::data {
namespace {

using test::expect_error;

/// `counts` images of the classes a, b, ...
ImageFolder images_of(const std::vector<int>& counts, const std::filesystem::path& root = "/images") {
  ImageFolder folder{.root = root};
  for (std::size_t label = 0; label < counts.size(); ++label) {
    folder.classes.emplace_back(1, static_cast<char>('a' + label));
    for (int i = 0; i < counts[label]; ++i) {
      folder.samples.push_back({.name = root / folder.classes.back() / (std::to_string(i) + ".jpg"),
                                .label = static_cast<std::int64_t>(label)});
    }
  }
  return folder;
}

std::vector<std::string> names_below(const ImageFolder& folder) {
  std::vector<std::string> names;
  for (const auto& sample : folder.samples)
    names.push_back(std::filesystem::path(sample.name).lexically_relative(folder.root).native());
  return names;
}

std::vector<std::int64_t> count_by_class(const ImageFolder& folder) {
  std::vector<std::int64_t> counts(folder.classes.size());
  for (const auto& sample : folder.samples) ++counts[static_cast<std::size_t>(sample.label)];
  return counts;
}

TEST(HoldOut, TakesAShareOfEachClass) {
  auto rest = images_of({100, 10, 2, 3});
  const auto all = names_below(rest);
  const auto held_out = hold_out(rest, 0.2);
  EXPECT_EQ(count_by_class(held_out), (std::vector<std::int64_t>{20, 2, 1, 1}));
  EXPECT_EQ(count_by_class(rest), (std::vector<std::int64_t>{80, 8, 1, 2}));
  EXPECT_EQ(held_out.classes, rest.classes);
  EXPECT_EQ(held_out.root, rest.root);
  EXPECT_EQ(held_out.held_out, 0.2);
  EXPECT_EQ(rest.held_out, 0);
  auto both = names_below(held_out);
  EXPECT_TRUE(std::ranges::is_sorted(held_out.samples, {}, &Sample::label));
  const auto more = names_below(rest);
  both.insert(both.end(), more.begin(), more.end());
  EXPECT_TRUE(std::ranges::is_permutation(both, all));
  EXPECT_EQ(std::set(both.begin(), both.end()).size(), 115U) << "none in both";
}

TEST(HoldOut, LeavesAtLeastOneOfEachClass) {
  auto rest = images_of({2, 5});
  EXPECT_EQ(count_by_class(hold_out(rest, 0.9)), (std::vector<std::int64_t>{1, 4}));
  auto one = images_of({4, 1});
  expect_error([&] { hold_out(one, 0.2); },
               "/images: the class 'b' has 1 image, so none can be held out for evaluation");
}

TEST(HoldOut, DependsOnNamesAlone) {
  auto here = images_of({50, 50});
  auto there = images_of({50, 50}, "/elsewhere/copy");
  const auto held_out = names_below(hold_out(here, 0.2));
  EXPECT_EQ(names_below(hold_out(there, 0.2)), held_out);
  EXPECT_NE(held_out.back(), "b/49.jpg") << "not simply the first or last ones";
  EXPECT_NE(held_out.front(), "a/0.jpg");

  // A tenth more images: most of what was held out still is.
  auto more = images_of({55, 55});
  const auto then = names_below(hold_out(more, 0.2));
  const auto kept = std::ranges::count_if(
      held_out, [&](const auto& name) { return std::ranges::find(then, name) != then.end(); });
  EXPECT_GE(kept, 16) << "of 20";
}

TEST(HoldOut, TakesTheSameMembersOfArchives) {
  const test::TemporaryFolder folder;
  auto files = images_of({30}, folder.path());
  auto members = images_of({30}, folder.path());
  const auto archive = std::make_shared<const io::ReadOnlyFile>(folder.add("a.tar", ""));
  for (auto& sample : members.samples) {
    sample.name = member_name(*archive, std::filesystem::path(sample.name).filename().native());
    sample.part = ArchivePart{.archive = archive};
  }
  const auto of_files = hold_out(files, 0.3);
  const auto of_members = hold_out(members, 0.3);
  ASSERT_EQ(of_members.samples.size(), 9U);
  for (std::size_t i = 0; i < 9; ++i) {
    const auto name = std::filesystem::path(of_files.samples[i].name).filename().native();
    EXPECT_TRUE(of_members.samples[i].name.ends_with(":" + name)) << name;
  }
}

/// A picture for each list of labels; 9 stands for a crowd of class 0.
BoxFolder pictures_of(const std::vector<std::vector<int>>& labels, std::size_t classes) {
  BoxFolder folder{.roots = {"/pictures"}};
  for (std::size_t i = 0; i < classes; ++i) folder.classes.emplace_back(1, static_cast<char>('a' + i));
  folder.category_ids.resize(classes);
  for (const auto& of_picture : labels) {
    auto& sample = folder.samples.emplace_back();
    sample.id = std::ssize(folder.samples);
    sample.file = "/pictures/" + std::to_string(sample.id) + ".jpg";
    for (const int label : of_picture)
      sample.objects.push_back({.label = label == 9 ? 0 : label, .crowd = label == 9});
    folder.counts.objects += std::ssize(sample.objects);
    folder.counts.crowd += std::ranges::count(of_picture, 9);
    folder.counts.empty += std::ranges::count(of_picture, 9) == std::ssize(of_picture) ? 1 : 0;
  }
  folder.counts.images = std::ssize(folder.samples);
  return folder;
}

TEST(HoldOut, OfPicturesKeepsEveryClassOnBothSides) {
  std::vector<std::vector<int>> labels(40, {0, 0});
  for (const std::size_t i : {3U, 17U}) labels[i] = {1, 0, 9};
  for (const std::size_t i : {5U, 17U}) labels[i].push_back(2);
  labels[20] = {};
  auto rest = pictures_of(labels, 3);
  const auto before = rest.counts;
  const auto held_out = hold_out(rest, 0.25);
  EXPECT_EQ(held_out.samples.size(), 10U);
  EXPECT_EQ(rest.samples.size(), 30U);
  EXPECT_NO_THROW(require_objects(held_out));
  EXPECT_NO_THROW(require_objects(rest));
  EXPECT_TRUE(std::ranges::is_sorted(held_out.samples, {}, &BoxSample::id));
  EXPECT_EQ(held_out.counts.images, 10);
  EXPECT_EQ(held_out.counts.images + rest.counts.images, before.images);
  EXPECT_EQ(held_out.counts.objects + rest.counts.objects, before.objects);
  EXPECT_EQ(held_out.counts.crowd + rest.counts.crowd, before.crowd);
  EXPECT_EQ(held_out.counts.empty + rest.counts.empty, 1);
  EXPECT_EQ(held_out.held_out, 0.25);

  auto again = pictures_of(labels, 3);
  const auto same = hold_out(again, 0.25);
  EXPECT_TRUE(std::ranges::equal(same.samples, held_out.samples, {}, &BoxSample::id, &BoxSample::id));
}

TEST(HoldOut, OfPicturesNamesTheClassThatCannotBeOnBothSides) {
  auto one = pictures_of({{0}, {0}, {0, 1}, {0, 9}}, 2);
  expect_error([&] { hold_out(one, 0.5); },
               "/pictures: 'b' is in 1 image, so it cannot be both trained on and held out for evaluation");
  auto chain = pictures_of({{0, 2}, {0, 1}, {1, 2}}, 3);
  expect_error([&] { hold_out(chain, 0.3); }, "is in 2 images, so it cannot be both");
}

}  // namespace
}  // namespace scatlight::data
