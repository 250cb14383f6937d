// Every engine against the float64 reference, and the properties that all engines share.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <thread>
#include <tuple>

#include "cpu/plans.h"
#include "scatlight/scattering.h"
#include "support/compare.h"

namespace scatlight {
namespace {

using test::are_small;
using test::cases;
using test::make_plan;
using test::name_of;
using test::planes_for;
using test::random_planes;
using test::repeat_planes;
using test::transform;

class EveryEngine : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(, EveryEngine, testing::ValuesIn(test::engines()),
                         [](const auto& info) { return info.param; });

template <class T>
void expect_maps(const Scattering& plan, const std::vector<double>& images,
                 const std::vector<double>& expected, const test::Bound& bound) {
  const auto actual = transform(plan, std::vector<T>(images.begin(), images.end()));
  test::expect_close(std::span(actual), std::span(expected), bound, name_of(plan).c_str());
}

// A case with all engines, as the reference takes longer for it than the others together.
class MapsOfEveryCase : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(, MapsOfEveryCase, testing::Range(std::size_t{0}, cases().size()));

TEST_P(MapsOfEveryCase, EqualThoseOfTheReference) {
  const auto options = cases()[GetParam()];
  const int planes = planes_for(options, 3);
  const auto samples = random_planes<float>(options, planes);
  const std::vector<double> images(samples.begin(), samples.end());
  const auto expected = transform(make_plan("reference", options), images);
  for (const auto& engine : test::engines()) {
    const bool is_reference = engine == "reference";  // of which float32 is compared with float64
    const auto plan = make_plan(engine, options);
    const auto compare = [&](const std::vector<double>& given, const std::vector<double>& maps) {
      if (!is_reference) expect_maps<double>(plan, given, maps, {.relative = 0, .of_scale = 1e-12});
      expect_maps<float>(plan, given, maps, {.relative = 1e-5, .of_scale = 1e-6});
    };
    compare(images, expected);
    if (!is_reference && are_small(options))
      compare(repeat_planes(images, planes), repeat_planes(expected, planes));
  }
}

TEST_P(EveryEngine, TakesNoPlanes) {
  const auto plan = make_plan(GetParam(), {.height = 40, .width = 40, .scales = 2});
  plan.forward(std::span<const float>(), std::span<float>());
  plan.backward(std::span<const double>(), std::span<const double>(), std::span<double>());
}

TEST_P(EveryEngine, HasTheShapeOfItsOptions) {
  for (const auto& options : cases()) {
    const auto plan = make_plan(GetParam(), options);
    const auto shape = shape_of(options);
    EXPECT_EQ(std::ssize(plan.paths()), shape.maps) << name_of(options);
    EXPECT_EQ(plan.paths(), paths_of(options)) << name_of(options);
    EXPECT_EQ(plan.output_height(), shape.height) << name_of(options);
    EXPECT_EQ(plan.output_width(), shape.width) << name_of(options);
    EXPECT_EQ(plan.padded_height(), shape.padded_height) << name_of(options);
    EXPECT_EQ(plan.padded_width(), shape.padded_width) << name_of(options);
  }
}

// Of noise around zero, which phi_J averages to little: whatever it leaves out shows.
TEST_P(EveryEngine, KeepsTheDigitsOfOrderZero) {
  std::mt19937 generator(0);
  std::normal_distribution<double> normal(0, 1);
  // The last one is on tiles.
  for (const auto& [height, width, order] :
       {std::tuple{64, 64, 0}, {96, 128, 0}, {224, 224, 0}, {331, 331, 1}}) {
    for (const int scales : {2, 3, 4}) {
      const ScatteringOptions options{
          .height = height, .width = width, .scales = scales, .angles = 1, .max_order = order};
      if (order == 1 && scales != 3) continue;
      std::vector<double> image(static_cast<std::size_t>(height) * width);
      for (auto& sample : image) sample = static_cast<float>(normal(generator));
      auto expected = transform(make_plan("reference", options), image);
      auto actual = transform(make_plan(GetParam(), options), std::vector<float>(image.begin(), image.end()));
      const auto map = static_cast<std::size_t>(height >> scales) * (width >> scales);
      expected.resize(map);
      actual.resize(map);
      test::expect_close(std::span(actual), std::span(expected), {.relative = 0, .of_scale = 6e-7},
                         name_of(options).c_str());
    }
  }
}

// Bit-equal whatever the plane's place in the batch, the other planes and the number of threads are: of small
// planes, some that share vectors; of seven of 120 x 112, which do not, three threads take two each and share
// the last.
TEST_P(EveryEngine, PlanesAndThreadsDoNotDependOnEachOther) {
  for (const auto& [size, angles, planes, together] :
       {std::tuple{48, 8, 50, 20}, {48, 6, 50, 20}, {48, 5, 50, 20}, {120, 5, 7, 1}}) {
    ScatteringOptions options{
        .height = size, .width = size - 8, .scales = 2, .angles = angles, .max_order = 2, .threads = 1};
    const auto images = random_planes<float>(options, planes);
    const auto plan = make_plan(GetParam(), options);
    const auto expected = transform(plan, images);
    options.threads = 3;
    EXPECT_EQ(transform(make_plan(GetParam(), options), images), expected);

    const std::size_t plane = images.size() / planes;
    const std::size_t maps = expected.size() / planes;
    for (const int p : {0, planes / 4, planes - together}) {
      const std::vector<float> some(images.begin() + p * plane, images.begin() + (p + together) * plane);
      const std::vector<float> their(expected.begin() + p * maps, expected.begin() + (p + together) * maps);
      EXPECT_EQ(transform(plan, some), their) << "from plane " << p << " on, L = " << angles;
    }
  }
}

TEST_P(EveryEngine, TilesDoNotDependOnThreads) {
  for (const int order : {0, 1}) {  // order 0 has one tile
    ScatteringOptions options{
        .height = 331, .width = 620, .scales = 3, .angles = 2, .max_order = order, .threads = 1};
    const auto images = random_planes<float>(options, 5);
    const auto expected = transform(make_plan(GetParam(), options), images);
    for (const int threads : {2, 3}) {  // two take two planes each and share the last, three share all
      options.threads = threads;
      EXPECT_EQ(transform(make_plan(GetParam(), options), images), expected)
          << "order " << order << ", " << threads << " threads";
    }
  }
}

TEST_P(EveryEngine, OnePlanServesManyThreads) {
  const ScatteringOptions options{.height = 40, .width = 40, .scales = 2, .threads = 2};
  const auto plan = make_plan(GetParam(), options);
  const auto images = random_planes<float>(options, 4);
  const auto expected = transform(plan, images);
  std::atomic<int> equal = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 5; ++round) equal += transform(plan, images) == expected;
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(equal, 20);
}

TEST_P(EveryEngine, UsesTheCallersThreads) {
  std::atomic<int> loops = 0;
  ScatteringOptions options{.height = 40, .width = 40, .scales = 2};
  options.parallel_for = [&](std::int64_t count, const std::function<void(std::int64_t)>& body) {
    ++loops;
    for (auto i = count; i-- > 0;) body(i);
  };
  const auto images = random_planes<float>(options, 2);
  const auto backwards = transform(make_plan(GetParam(), options), images);
  EXPECT_GT(loops, 0);
  options.parallel_for = {};
  EXPECT_EQ(transform(make_plan(GetParam(), options), images), backwards);
}

TEST_P(EveryEngine, ForgetsFormerImages) {
  // 32 x 500: phi_J by spectra along columns only, with outputs that do not fill whole vectors.
  for (const auto& options :
       {ScatteringOptions{.height = 32, .width = 500, .scales = 5, .angles = 1, .stride = 4},
        ScatteringOptions{.height = 96, .width = 128, .scales = 3, .angles = 2},
        ScatteringOptions{.height = 40, .width = 56, .scales = 3, .max_order = 2}}) {
    const auto plan = make_plan(GetParam(), options);
    const auto images = random_planes<float>(options, 1);
    const auto expected = transform(plan, images);
    transform(plan, std::vector<float>(images.size(), std::numeric_limits<float>::quiet_NaN()));
    EXPECT_EQ(transform(plan, images), expected) << name_of(options);
  }
}

TEST_P(EveryEngine, NonFiniteSamplesStayInTheirPlane) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 6, .max_order = 2};
  const auto plan = make_plan(GetParam(), options);
  for (const std::size_t planes : {3, 21}) {
    auto images = random_planes<float>(options, static_cast<int>(planes));
    const auto clean = transform(plan, images);
    const std::size_t maps = clean.size() / planes;
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      images[32 * 32 + 100] = bad;  // in plane 1
      const auto features = transform(plan, images);
      for (std::size_t i = 0; i < features.size(); ++i) {
        if (i / maps == 1) continue;
        ASSERT_EQ(features[i], clean[i]);
      }
      // Order 1 and 2 lose the whole plane; order 0 what the low-pass reaches.
      for (std::size_t i = maps / plan.paths().size(); i < maps; ++i)
        ASSERT_FALSE(std::isfinite(features[maps + i]));
    }
  }
}

// On tiles they reach at least what is near them.
TEST_P(EveryEngine, KeepsNonFiniteSamplesOfLargePlanesInTheirPlane) {
  const ScatteringOptions options{.height = 331, .width = 331, .scales = 3, .angles = 2};
  const auto plan = make_plan(GetParam(), options);
  auto images = random_planes<float>(options, 2);
  const auto clean = transform(plan, images);
  constexpr int y = 200;
  constexpr int x = 60;
  images[331 * 331 + y * 331 + x] = std::numeric_limits<float>::quiet_NaN();  // in plane 1
  const auto features = transform(plan, images);
  const std::size_t width = plan.output_width();
  const std::size_t map = plan.output_height() * width;
  const std::size_t maps = plan.paths().size();
  for (std::size_t i = 0; i < maps * map; ++i) ASSERT_EQ(features[i], clean[i]);
  for (std::size_t m = 0; m < maps; ++m) {
    for (int row = y / 8 - 1; row <= y / 8 + 1; ++row) {
      for (int column = x / 8 - 1; column <= x / 8 + 1; ++column)
        ASSERT_TRUE(std::isnan(features[(maps + m) * map + row * width + column])) << "map " << m;
    }
  }
}

// ||Sx - Sy|| <= ||x - y|| up to the frame's upper bound, which normalisation and sampling leave just
// above 1.
TEST_P(EveryEngine, IsNonExpansive) {
  const ScatteringOptions options{
      .height = 64, .width = 64, .max_order = 2, .stride = 1, .boundary = Boundary::Padded};
  const auto plan = make_plan(GetParam(), options);
  const auto x = random_planes<float>(options, 1, 1);
  const auto y = random_planes<float>(options, 1, 2);
  const auto distance = [](const auto& a, const auto& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
    return std::sqrt(sum);
  };
  const double ratio = distance(transform(plan, x), transform(plan, y)) / distance(x, y);
  fmt::print("  ||Sx - Sy|| / ||x - y|| = {:.3f}\n", ratio);
  EXPECT_LT(ratio, 1.05);
}

// Moving an already padded image by 2^J moves the maps by one sample.
TEST_P(EveryEngine, CommutesWithShiftsOfTheStride) {
  const ScatteringOptions options{.height = 64, .width = 72, .max_order = 2, .boundary = Boundary::Padded};
  const auto plan = make_plan(GetParam(), options);
  const auto image = random_planes<double>(options, 1);
  std::vector<double> moved(image.size());
  for (int row = 0; row < 64; ++row) {
    for (int column = 0; column < 72; ++column) {
      moved[((row + 8) % 64) * 72 + (column + 16) % 72] = image[row * 72 + column];
    }
  }
  const auto features = transform(plan, image);
  const auto of_moved = transform(plan, moved);
  const int height = plan.output_height();
  const int width = plan.output_width();
  std::vector<double> expected;
  std::vector<double> actual;
  for (std::size_t map = 0; map < plan.paths().size(); ++map) {
    for (int row = 0; row + 1 < height; ++row) {
      for (int column = 0; column + 2 < width; ++column) {
        expected.push_back(features[(map * height + row) * width + column]);
        actual.push_back(of_moved[(map * height + row + 1) * width + column + 2]);
      }
    }
  }
  test::expect_close(std::span(actual), std::span(expected), {.relative = 0, .of_scale = 1e-12}, "shifted");
}

TEST_P(EveryEngine, AConstantImageHasOnlyOrderZero) {
  const ScatteringOptions options{
      .height = 40, .width = 40, .max_order = 2, .normalization = Normalization::Exact};
  const auto plan = make_plan(GetParam(), options);
  const auto features = transform(plan, std::vector<double>(1600, 3.0));
  const std::size_t map = static_cast<std::size_t>(plan.output_height()) * plan.output_width();
  for (std::size_t i = 0; i < map; ++i) EXPECT_NEAR(features[i], 3, 1e-10);
  for (std::size_t i = map; i < features.size(); ++i) ASSERT_NEAR(features[i], 0, 1e-10);

  // phi_J is cut, and yet its weights have the sum 1.
  const auto rounded = transform(plan, std::vector<float>(1600, 3));
  for (std::size_t i = 0; i < map; ++i) EXPECT_NEAR(rounded[i], 3, 2e-6);
}

#ifndef __SANITIZE_THREAD__  // it dies when a process of several threads forks and goes on
TEST(Scattering, WorksInTheChildOfAForkWhileOthersTransform) {
  const Scattering plan({.height = 16, .width = 16, .scales = 1, .angles = 1, .threads = 2});
  const std::vector<float> images(4 * 16 * 16);
  std::atomic<bool> stop = false;
  std::vector<std::thread> others;
  for (int i = 0; i < 2; ++i) {
    others.emplace_back([&] {
      while (!stop) transform(plan, images);
    });
  }
  int hung = 0;
  for (int i = 0; i < 1000 && hung == 0; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      transform(plan, images);
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    hung += status != 0;
  }
  stop = true;
  for (auto& other : others) other.join();
  EXPECT_EQ(hung, 0);
}
#endif

TEST(Scattering, RefusesWrongSizes) {
  const Scattering plan({.height = 32, .width = 32});
  std::vector<float> images(32 * 32 * 2);
  std::vector<float> features(2 * 25 * 16);
  EXPECT_NO_THROW(plan.forward(std::span<const float>(images), std::span<float>(features)));
  EXPECT_THROW(plan.forward(std::span<const float>(images).first(1000), std::span<float>(features)), Error);
  EXPECT_THROW(plan.forward(std::span<const float>(images), std::span<float>(features).first(799)), Error);
  EXPECT_NO_THROW(plan.forward(std::span<const float>(), std::span<float>()));
}

TEST(Scattering, RefusesAnUnknownEngine) {
  ::setenv("SCATLIGHT_ENGINE", "abacus", 1);
  try {
    const Scattering plan({.height = 32, .width = 32});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("SCATLIGHT_ENGINE is 'abacus'; this machine has reference, "),
              0u);
  }
  ::unsetenv("SCATLIGHT_ENGINE");
}

}  // namespace
}  // namespace scatlight
