// Tiles: what they cover, and that they are chosen where they should be.

#include "cpu/tiles.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "core/geometry.h"
#include "cpu/plans.h"

namespace scatlight::cpu {
namespace {

constexpr SampleType floats_of(int lanes) {
  return {.epsilon = std::numeric_limits<float>::epsilon(),
          .bytes = 4,
          .packing = {.lanes = lanes, .block_size = lanes}};
}

std::vector<Tiles> tiles_of(const ScatteringOptions& options, int lanes) {
  const auto resolved = resolve(options);
  return choose_tiles(resolved, Geometry(resolved), floats_of(lanes));
}

void expect_cover(const TileAxis& axis, int halo, int step) {
  std::vector<int> covered(axis.plane);
  for (int tile = 0; tile < axis.count; ++tile) {
    EXPECT_LT(axis.begin(tile), axis.end(tile));
    const auto positions = axis.positions(tile);
    ASSERT_EQ(positions.size(), static_cast<std::size_t>(axis.length));
    for (int i = 0; i < axis.end(tile) - axis.begin(tile); ++i) ++covered[positions[i]];
    if (axis.length == axis.plane && axis.count == 1) continue;
    // The tile goes on as the plane does, in both directions from its core.
    for (int i = -halo; i < axis.core + halo; ++i) {
      const int position = ((axis.begin(tile) + i) % axis.plane + axis.plane) % axis.plane;
      ASSERT_EQ(positions[(i + axis.length) % axis.length], position) << "tile " << tile << ", sample " << i;
    }
  }
  EXPECT_EQ(covered, std::vector<int>(axis.plane, 1));
  EXPECT_EQ(axis.core % step, 0);
  EXPECT_EQ(axis.length % step, 0);
}

// By lanes, for the cost model knows vectors of up to 32 bytes and of 64.
class Tilings : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Lanes, Tilings, testing::Values(8, 16), testing::PrintToStringParamName());

TEST_P(Tilings, CoverThePlaneOnceForAllScales) {
  for (const auto& options : std::vector<ScatteringOptions>{
           {.height = 224, .width = 224, .scales = 2},
           {.height = 331, .width = 640, .scales = 3},
           {.height = 1399, .width = 70, .scales = 2, .stride = 1},
           {.height = 3000, .width = 2000, .scales = 5, .angles = 6},
           {.height = 512, .width = 512, .scales = 3, .boundary = Boundary::Padded}}) {
    const auto resolved = resolve(options);
    const Geometry geometry(resolved);
    int scale = 0;
    for (const auto& tiles : choose_tiles(resolved, geometry, floats_of(GetParam()))) {
      SCOPED_TRACE(fmt::format("{}x{}, scales from {} on", options.height, options.width, scale));
      EXPECT_EQ(tiles.first_scale, scale);
      scale = tiles.end_scale;
      // 4.76 standard deviations have all but 16 epsilon of a Gaussian.
      const int halo = static_cast<int>(4.76 * resolved.sigma * (1 << (scale - 1)) / resolved.slant);
      const int step = 1 << geometry.level(scale - 1);
      expect_cover(tiles.rows, halo, step);
      expect_cover(tiles.columns, halo, step);
    }
    EXPECT_EQ(scale, resolved.scales);
  }
}

TEST_P(Tilings, AreOneForSmallPlanesAndSeveralForLargeOnes) {
  const auto count = [](int length) {
    return tiles_of({.height = length, .width = length, .scales = 3}, GetParam()).front().count();
  };
  EXPECT_EQ(count(32), 1);
  EXPECT_EQ(count(224), 1);
  EXPECT_GT(count(1000), 1);
}

TEST_P(Tilings, AreSeveralWhereOtherTestsWantThem) {
  for (const auto& options : test::cases_on_tiles()) {
    const auto has_several = [](const Tiles& tiles) { return tiles.count() > 1; };
    EXPECT_TRUE(std::ranges::any_of(tiles_of(options, GetParam()), has_several)) << test::name_of(options);
  }
}

TEST_P(Tilings, AreThePlaneForOrderTwo) {
  for (const int order : {0, 2}) {
    const auto tiles = tiles_of({.height = 990, .width = 1010, .scales = 3, .max_order = order}, GetParam());
    ASSERT_EQ(tiles.size(), 1u);
    EXPECT_EQ(tiles[0].count(), 1);
    EXPECT_EQ(tiles[0].rows.length, tiles[0].rows.plane);
    EXPECT_EQ(tiles[0].columns.length, tiles[0].columns.plane);
  }
}

}  // namespace
}  // namespace scatlight::cpu
