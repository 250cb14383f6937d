#include <gtest/gtest.h>

#include "core/geometry.h"
#include "core/option_list.h"
#include "scatlight/options.h"
#include "scatlight/reconstruction.h"
#include "support/expect_error.h"

namespace scatlight {
namespace {

std::vector<ScatteringOptions> several_options() {
  std::vector<ScatteringOptions> list;
  for (const int order : {0, 1, 2}) {
    list.push_back({.height = 224, .width = 224, .max_order = order});
    list.push_back({.height = 40, .width = 61, .scales = 4, .angles = 3, .max_order = order, .stride = 2});
    list.push_back({.height = 8, .width = 9, .scales = 1, .angles = 1, .max_order = order});
    list.push_back({.height = 48, .width = 56, .max_order = order, .boundary = Boundary::Padded});
  }
  return list;
}

TEST(Shape, IsThePapers) {
  EXPECT_EQ(
      shape_of({.height = 224, .width = 224}),
      (ScatteringShape{.maps = 25, .height = 28, .width = 28, .padded_height = 240, .padded_width = 240}));
  EXPECT_EQ(shape_of({.height = 224, .width = 224, .max_order = 2}).maps, 217);  // 651 for RGB
}

TEST(Shape, CountsThePaths) {
  for (const auto& options : several_options()) {
    const auto paths = paths_of(options);
    ASSERT_EQ(std::ssize(paths), shape_of(options).maps);
    const auto resolved = resolve(options);
    for (std::size_t i = 0; i < paths.size(); ++i)
      ASSERT_EQ(map_index(resolved, paths[i]), static_cast<std::int64_t>(i));
  }
}

TEST(Shape, OfTheLargestOptionsIsKnownWithoutTheirPaths) {
  const auto shape =
      shape_of({.height = 1 << 16, .width = 1 << 16, .scales = 16, .angles = 256, .max_order = 2});
  EXPECT_EQ(shape.maps, 1 + 16 * 256 + 256 * 256 * 120);
  EXPECT_EQ(shape.height, 1);
}

TEST(Shape, TheSmallestSideIsAccepted) {
  for (const auto boundary : {Boundary::Reflect, Boundary::Periodic, Boundary::Zero, Boundary::Padded}) {
    for (const int scales : {1, 3, 5}) {
      ScatteringOptions options{.scales = scales, .boundary = boundary};
      options.height = options.width = smallest_side(options);
      EXPECT_EQ(shape_of(options).height, 1);
      --options.height;
      test::expect_error([&] { shape_of(options); }, "height is");
    }
  }
}

TEST(Shape, WrongOptionsAreRefusedAsByAPlan) {
  test::expect_error([] { shape_of({.height = 7, .width = 8}); }, "height is 7; it must be at least 2^J = 8");
  test::expect_error([] { paths_of({.height = 8, .width = 8, .angles = 0}); }, "angles is 0");
  test::expect_error([] { smallest_side({.scales = 40}); }, "scales is 40; J must be between 1 and 16");
}

template <class Enum>
void expect_round_trip(std::size_t values) {
  ASSERT_EQ(Names<Enum>::all.size(), values);
  for (std::size_t i = 0; i < values; ++i) {
    const auto value = static_cast<Enum>(i);
    EXPECT_EQ(from_name<Enum>(name_of(value)), value);
  }
}

TEST(Names, RoundTrip) {
  expect_round_trip<Wavelet>(2);
  expect_round_trip<Boundary>(4);
  expect_round_trip<Normalization>(2);
  expect_round_trip<Solver>(2);
  EXPECT_EQ(name_of(Boundary::Periodic), "periodic");
  EXPECT_EQ(name_of(Solver::CoarseToFine), "coarse-to-fine");
}

TEST(Names, AnUnknownOneIsAnErrorThatListsThem) {
  test::expect_error([] { from_name<Boundary>("mirror"); },
                     "boundary is 'mirror'; it must be one of 'reflect', 'periodic', 'zero', 'padded'");
  test::expect_error([] { from_name<Wavelet>("Morlet"); }, "wavelet is 'Morlet'");
}

TEST(OptionList, HasEveryMember) {
  // Two sets of options that differ in any one member are told apart, and each has a range that is checked.
  int rows = 0;
  for_each_option([&]<class T>(const Option<T>& option) {
    ++rows;
    ScatteringOptions changed{.height = 64, .width = 64};
    const auto given = changed;
    auto& value = changed.*option.member;
    value = static_cast<T>(static_cast<int>(value) + 1);
    EXPECT_FALSE(same_options(given, changed)) << option.name;
    changed.*option.member = static_cast<T>(-1);
    test::expect_error([&] { shape_of(changed); }, std::string(option.name) + " is");
  });
  EXPECT_EQ(rows, 14);
  EXPECT_EQ(option_of(&ScatteringOptions::slant).name, "slant");
}

}  // namespace
}  // namespace scatlight
