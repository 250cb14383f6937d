#include <gtest/gtest.h>

#include <limits>

#include "core/geometry.h"

namespace scatlight {
namespace {

std::string error_of(const ScatteringOptions& options) {
  try {
    resolve(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Options, DefaultsAreThePapers) {
  const auto options = resolve({.height = 224, .width = 224});
  EXPECT_EQ(options.stride, 8);
  EXPECT_EQ(options.slant, 0.5);
  const Geometry geometry(options);
  EXPECT_EQ(geometry.rows.padded, 240);
  EXPECT_EQ(geometry.rows.before, 8);
  EXPECT_EQ(geometry.rows.output, 28);
  EXPECT_EQ(make_paths(options).size(), 25u);
}

TEST(Options, SecondOrderHasThePapersNumberOfMaps) {
  EXPECT_EQ(make_paths(resolve({.height = 224, .width = 224, .max_order = 2})).size(), 217u);  // 651 for RGB
}

TEST(Options, PathsCountScalesAndAnglesInOrder) {
  const auto paths =
      make_paths(resolve({.height = 16, .width = 16, .scales = 2, .angles = 2, .max_order = 2}));
  const std::vector<Path> expected = {{0, -1, -1, -1, -1}, {1, 0, 0, -1, -1}, {1, 0, 1, -1, -1},
                                      {1, 1, 0, -1, -1},   {1, 1, 1, -1, -1}, {2, 0, 0, 1, 0},
                                      {2, 0, 0, 1, 1},     {2, 0, 1, 1, 0},   {2, 0, 1, 1, 1}};
  EXPECT_EQ(paths, expected);
}

TEST(Options, WrongOnesSayWhatIsAccepted) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::pair<ScatteringOptions, std::string>> cases = {
      {{.height = 0, .width = 8}, "height is 0; it must be between 1 and 65536"},
      {{.height = 8, .width = 7}, "width is 7; it must be at least 2^J = 8 (J = 3 scales)"},
      {{.height = 8, .width = 1 << 17}, "width is 131072; it must be between 1 and 65536"},
      {{.height = 8, .width = 8, .scales = 0}, "scales is 0; J must be between 1 and 16"},
      {{.height = 8, .width = 8, .scales = 40}, "scales is 40; J must be between 1 and 16"},
      {{.height = 8, .width = 8, .angles = 0}, "angles is 0; L must be between 1 and 256"},
      {{.height = 8, .width = 8, .max_order = 3}, "max_order is 3; it must be between 0 and 2"},
      {{.height = 8, .width = 8, .stride = 3},
       "stride is 3; it must be a power of two between 1 and 2^J = 8"},
      {{.height = 8, .width = 8, .stride = 16},
       "stride is 16; it must be a power of two between 1 and 2^J = 8"},
      {{.height = 28, .width = 24, .boundary = Boundary::Padded},
       "height is 28; with the boundary 'padded' it must be a multiple of 2^J = 8 and at least 24"},
      {{.height = 8, .width = 8, .sigma = nan}, "sigma is nan; it must be between 0.1 and 100 samples"},
      {{.height = 8, .width = 8, .slant = -1}, "slant is -1; it must be between 0.01 and 10, or 0 for 4 / L"},
      {{.height = 8, .width = 8, .threads = -1},
       "threads is -1; it must be between 1 and 1024, or 0 for one per core"},
      {{.height = 8, .width = 8, .threads = 1'000'000},
       "threads is 1000000; it must be between 1 and 1024, or 0 for one per core"},
  };
  for (const auto& [options, message] : cases) EXPECT_EQ(error_of(options), message);
}

TEST(Sources, ReflectAgainAndAgain) {
  const Axis axis{.size = 3, .padded = 12, .before = 5, .output = 0};
  EXPECT_EQ(axis.sources(Boundary::Reflect), (std::vector<int>{1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2}));
}

TEST(Sources, PeriodicAndZero) {
  const Axis axis{.size = 3, .padded = 6, .before = 1, .output = 0};
  EXPECT_EQ(axis.sources(Boundary::Periodic), (std::vector<int>{2, 0, 1, 2, 0, 1}));
  EXPECT_EQ(axis.sources(Boundary::Zero), (std::vector<int>{-1, 0, 1, 2, -1, -1}));
}

}  // namespace
}  // namespace scatlight
