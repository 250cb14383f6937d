#include "data/dead_leaves.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "data/drawn_folder.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;

/// Mean and deviation of the three channels: all that colour alone can tell.
std::array<double, 6> colours_of(const std::vector<std::uint8_t>& pixels) {
  std::array<double, 6> result{};
  const double count = static_cast<double>(pixels.size()) / 3;
  for (std::size_t i = 0; i < pixels.size(); ++i) result[i % 3] += pixels[i] / count;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const double d = pixels[i] - result[i % 3];
    result[3 + i % 3] += d * d / count;
  }
  for (int c = 3; c < 6; ++c) result[c] = std::sqrt(result[c]);
  return result;
}

/// Share of val pictures whose nearest class mean, over the first `features` colour features, is their own.
double nearest_mean_accuracy(int classes, int per_class, int size, int features) {
  std::vector<std::array<double, 6>> means(classes);
  for (int kind = 0; kind < classes; ++kind) {
    for (int i = 0; i < per_class; ++i) {
      const auto seed = picture_seed(0, "train", static_cast<Kind>(kind), i);
      const auto f = colours_of(draw_dead_leaves(static_cast<Kind>(kind), size, seed));
      for (int c = 0; c < 6; ++c) means[kind][c] += f[c] / per_class;
    }
  }
  int right = 0;
  for (int kind = 0; kind < classes; ++kind) {
    for (int i = 0; i < per_class; ++i) {
      const auto seed = picture_seed(0, "val", static_cast<Kind>(kind), i);
      const auto f = colours_of(draw_dead_leaves(static_cast<Kind>(kind), size, seed));
      int best = -1;
      double least = std::numeric_limits<double>::infinity();
      for (int other = 0; other < classes; ++other) {
        double distance = 0;
        for (int c = 0; c < features; ++c) distance += std::pow(f[c] - means[other][c], 2);
        if (distance < least) {
          least = distance;
          best = other;
        }
      }
      right += best == kind ? 1 : 0;
    }
  }
  return static_cast<double>(right) / (classes * per_class);
}

TEST(DeadLeaves, MeanColourTellsNothing) {
  constexpr int classes = 8;
  constexpr int per_class = 60;
  const double chance = 1.0 / classes;
  const double deviation = std::sqrt(chance * (1 - chance) / (classes * per_class));
  const double accuracy = nearest_mean_accuracy(classes, per_class, 32, 3);
  fmt::print("  mean colour: {:.1f} % right, chance {:.1f} %\n", 100 * accuracy, 100 * chance);
  EXPECT_LT(accuracy, chance + 4 * deviation);
}

TEST(DeadLeaves, ContrastTellsLittle) {
  const double accuracy = nearest_mean_accuracy(8, 60, 32, 6);
  fmt::print("  mean and deviation of colours: {:.1f} % right, chance 12.5 %\n", 100 * accuracy);
  EXPECT_LT(accuracy, 0.22);
}

TEST(DeadLeaves, SameSeedSamePictureOtherSeedOther) {
  for (int kind = 0; kind < static_cast<int>(kind_names().size()); ++kind) {
    const auto a = draw_dead_leaves(static_cast<Kind>(kind), 40, 5);
    EXPECT_EQ(a.size(), 3U * 40 * 40);
    EXPECT_EQ(a, draw_dead_leaves(static_cast<Kind>(kind), 40, 5));
    EXPECT_NE(a, draw_dead_leaves(static_cast<Kind>(kind), 40, 6));
  }
}

TEST(DeadLeaves, SeedsOfPicturesAreDistinct) {
  std::set<std::uint64_t> seeds;
  int count = 0;
  for (std::uint64_t seed : {0, 1}) {
    for (const char* split : {"train", "val"}) {
      for (int kind = 0; kind < 12; ++kind) {
        for (int i = 0; i < 500; ++i, ++count)
          seeds.insert(picture_seed(seed, split, static_cast<Kind>(kind), i));
      }
    }
  }
  EXPECT_EQ(static_cast<int>(seeds.size()), count);
}

TEST(DeadLeaves, AnotherSizeShowsTheSameScene) {
  const auto small = draw_dead_leaves(Kind::Rings, 32, 11);
  const auto large = draw_dead_leaves(Kind::Rings, 128, 11);
  double difference = 0;
  double spread = 0;
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      double mean = 0;
      for (int v = 0; v < 4; ++v) {
        for (int u = 0; u < 4; ++u) mean += large[3 * ((4 * y + v) * 128 + 4 * x + u)] / 16.0;
      }
      difference += std::abs(mean - small[3 * (y * 32 + x)]);
      spread += std::abs(128 - mean);
    }
  }
  EXPECT_LT(difference / 1024, 12);
  EXPECT_GT(spread / 1024, 15);
}

// Outlines and textures have an inside and an outside, and change sign only where they pass zero: the ramp
// that antialiases them never jumps.
TEST(Shapes, DistancesAreContinuousAtTheEdge) {
  constexpr float step = 0.004F;
  for (int k = 0; k < static_cast<int>(kind_names().size()); ++k) {
    const auto kind = static_cast<Kind>(k);
    const auto distance = [&](Point p) {
      return is_outline(kind) ? outline_distance(kind, p) : texture_distance(kind, p, 0.5F);
    };
    int inside = 0;
    int outside = 0;
    for (float y = -1.2F; y < 1.2F; y += 0.05F) {
      for (float x = -1.2F; x < 1.2F; x += step) {
        if (std::hypot(x, y) < 0.1F) continue;  // a spiral has no edge direction at its very middle
        const float here = distance({x, y});
        const float next = distance({x + step, y});
        (here < 0 ? inside : outside) += 1;
        if ((here < 0) != (next < 0)) {
          EXPECT_LT(std::abs(here - next), 3 * step) << kind_names()[k] << " at " << x << " " << y;
        }
      }
    }
    EXPECT_GT(inside, 1000) << kind_names()[k];
    EXPECT_GT(outside, 1000) << kind_names()[k];
  }
}

class DrawnFolder : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) /
            fmt::format("scatlight-drawn-{}", testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  DrawnFolderOptions options(const char* name) const {
    return {.folder = root_ / name, .classes = 3, .train = 4, .val = 2, .size = 24};
  }
  static std::map<std::string, std::string> files_in(const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::ostringstream bytes;
      bytes << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      files[fs::relative(entry.path(), folder).string()] = bytes.str();
    }
    return files;
  }
  static std::string error_of(const DrawnFolderOptions& options) {
    try {
      draw_folder(options, [] {});
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path root_;
};

TEST_F(DrawnFolder, HoldsTheSameBytesWhateverTheThreads) {
  auto one = options("one");
  one.threads = 1;
  auto three = options("three");
  three.threads = 3;
  std::atomic<int> pictures = 0;
  draw_folder(one, [&] { ++pictures; });
  draw_folder(three, [] {});
  EXPECT_EQ(pictures, 3 * (4 + 2));
  const auto files = files_in(one.folder);
  EXPECT_EQ(files.size(), 3U * (4 + 2) + 1);
  EXPECT_TRUE(files.contains("val/triangles/00001.jpg"));
  EXPECT_TRUE(files.at("train/discs/00000.jpg").starts_with("\xff\xd8\xff"));
  EXPECT_EQ(files, files_in(three.folder));
}

TEST_F(DrawnFolder, WritesPng) {
  auto wanted = options("png");
  wanted.format = FileFormat::Png;
  draw_folder(wanted, [] {});
  EXPECT_TRUE(files_in(wanted.folder).at("train/discs/00003.png").starts_with("\x89PNG"));
}

TEST_F(DrawnFolder, ReplacesOnlyADrawnDataSetAndOnlyWhenAsked) {
  auto wanted = options("out");
  draw_folder(wanted, [] {});
  EXPECT_NE(error_of(wanted).find("--overwrite"), std::string::npos);
  wanted.overwrite = true;
  wanted.train = 2;
  draw_folder(wanted, [] {});
  EXPECT_EQ(files_in(wanted.folder).size(), 3U * (2 + 2) + 1);

  auto foreign = options("foreign");
  foreign.overwrite = true;
  fs::create_directories(foreign.folder);
  std::ofstream(foreign.folder / "thesis.txt") << "precious";
  EXPECT_NE(error_of(foreign).find("is no drawn data set"), std::string::npos);
  EXPECT_EQ(files_in(foreign.folder).size(), 1U);
}

// The moments that matter come after the last picture: the old set goes, the new one takes its place.
TEST_F(DrawnFolder, IsWholeAfterAKillAtAnyMoment) {
  auto wanted = options("out");
  wanted.train = 2;
  wanted.val = 1;
  wanted.threads = 1;
  wanted.overwrite = true;
  draw_folder(wanted, [] {});
  const auto old_files = files_in(wanted.folder);
  wanted.seed = 1;
  wanted.folder = root_ / "other";
  draw_folder(wanted, [] {});
  const auto new_files = files_in(wanted.folder);
  fs::remove_all(wanted.folder);
  wanted.folder = root_ / "out";
  for (int round = 0; round < 25; ++round) {
    int ends[2] = {};
    ASSERT_EQ(pipe(ends), 0);
    const auto child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      int pictures = 0;
      draw_folder(wanted, [&] {
        if (++pictures == wanted.classes * (wanted.train + wanted.val)) [[maybe_unused]]
          const auto written = write(ends[1], "x", 1);
      });
      _exit(0);
    }
    close(ends[1]);
    char byte = 0;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);  // the end of the pipe, if the child died before
    std::this_thread::sleep_for(std::chrono::microseconds(10 * round));
    kill(child, SIGKILL);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    close(ends[0]);
    const auto files = files_in(wanted.folder);
    EXPECT_TRUE(files == old_files || files == new_files) << files.size() << " files after round " << round;
  }
  draw_folder(wanted, [] {});
  EXPECT_EQ(files_in(wanted.folder), new_files);
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), {}), 1);
}

TEST_F(DrawnFolder, LeavesNothingBehindWhenItFails) {
  auto wanted = options("out");
  EXPECT_THROW(draw_folder(wanted, [] { throw Error("full disk"); }), Error);
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(DrawnFolder, RefusesOptionsOutOfRange) {
  auto wanted = options("out");
  wanted.classes = 99;
  EXPECT_EQ(error_of(wanted), "classes is 99, but must be from 2 to 12");
  wanted = options("out");
  wanted.size = 8;
  EXPECT_EQ(error_of(wanted), "size is 8, but must be from 16 to 4096");
  EXPECT_TRUE(fs::is_empty(root_));
}

}  // namespace
}  // namespace scatlight::data
