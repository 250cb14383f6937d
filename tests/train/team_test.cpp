#include "train/team.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <array>

#include "support/expect_error.h"
#include "train/gradient_average.h"
#include "train/shared_error.h"
#include "train/skipped_files.h"

// A process alone; tests/train/test_team.py tests several.

namespace scatlight::train {
namespace {

TEST(TeamOfOne, LeadsItself) {
  const Team team;
  EXPECT_EQ(team.rank(), 0);
  EXPECT_EQ(team.size(), 1);
  EXPECT_TRUE(team.leads());
  EXPECT_EQ(team.group(), nullptr);
}

TEST(TeamOfOne, KeepsWhatItHas) {
  const Team team;
  std::array<double, 2> numbers = {0.1, -2};
  team.sum(numbers);
  EXPECT_EQ(numbers, (std::array<double, 2>{0.1, -2}));
  std::array<std::int64_t, 1> counts = {7};
  team.sum(counts);
  EXPECT_EQ(counts.front(), 7);
  EXPECT_TRUE(team.any(true));
  EXPECT_FALSE(team.any(false));
  const std::string bytes("a\0b\xff", 4);
  EXPECT_EQ(team.share(bytes), bytes);
  EXPECT_EQ(team.gather(bytes), std::vector<std::string>{bytes});
  const auto tensor = at::ones({2, 3});
  team.share({{"tensor", tensor}});
  EXPECT_EQ(tensor.sum().item<float>(), 6);
  check_same(team, "data", "12 images");
  team.wait();
  const std::vector<data::SkippedFile> skipped = {{.file = "a.jpg", .reason = "a.jpg: it is empty"}};
  EXPECT_EQ(skipped_of_team(skipped, team).front().reason, "a.jpg: it is empty");
}

TEST(TeamOfOne, LetsErrorsPass) {
  const Team team;
  for (const auto& run : {&Team::lead, &Team::do_alike, &Team::communicate}) {
    test::expect_error([&] { (team.*run)([] { throw Error("the disk is full"); }); }, "the disk is full");
    int calls = 0;
    (team.*run)([&] { ++calls; });
    EXPECT_EQ(calls, 1);
  }
}

TEST(Team, NeedsAGroupThatIsThere) {
  test::expect_error([] { const Team team("nobody"); }, "torch.distributed has no process group 'nobody': ");
}

TEST(SkippedFiles, HaveNamesFromTheRootOn) {
  EXPECT_EQ(name_from_root("/here/data/a/1.jpg", "/here/data"), "a/1.jpg");
  EXPECT_EQ(name_from_root("data/a.tar:a/1.jpg", "data/"), "a.tar:a/1.jpg");
  EXPECT_EQ(name_from_root("/here/images/1.jpg", "/here/train.json"), "../images/1.jpg");
  EXPECT_EQ(name_from_root("/images/1.jpg", "train.json"), "/images/1.jpg");
}

TEST(GradientAverage, OfOneAddsAllParts) {
  const auto parameter = at::ones({3}).requires_grad_(true);
  GradientAverage average(Team(), {{"parameter", parameter}});
  std::vector<std::int64_t> counts;
  average.add(7, 3, [&](const data::Part& part) {
    EXPECT_EQ(part.first, counts.empty() ? 0 : counts.size() == 1 ? 2 : 4);
    counts.push_back(part.count);
    parameter.sum().mul(static_cast<double>(part.count)).backward();
  });
  EXPECT_EQ(counts, (std::vector<std::int64_t>{2, 2, 3}));
  EXPECT_EQ(parameter.grad().sum().item<float>(), 3 * 7);
}

}  // namespace
}  // namespace scatlight::train
