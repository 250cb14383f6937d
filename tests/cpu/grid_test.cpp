// Grids: their index maps, and that they are used where they should be.

#include "cpu/grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "cpu/plans.h"
#include "cpu/tables.h"

namespace scatlight::cpu {
namespace {

constexpr Packing wide = {.lanes = 16, .side = 16};

std::vector<std::int32_t> first_numbers(int count) {
  std::vector<std::int32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(Grid, HasEachSampleOnce) {
  const int height = 256;
  const int width = 336;
  ASSERT_TRUE(Grid::fits(height, width, wide));
  const Grid grid(height, width);
  std::vector<std::int32_t> places;
  for (int r = 0; r < height; ++r) {
    for (int c = 0; c < width; ++c)
      places.push_back(static_cast<std::int32_t>(grid.element(r, c)) * Grid::side + c % Grid::side);
  }
  for (auto [of_samples, count] :
       {std::pair{places, height * width}, {grid.row_of, height}, {grid.column_of, width}}) {
    std::ranges::sort(of_samples);
    EXPECT_EQ(of_samples, first_numbers(count));
  }
}

TEST(Grid, IsUsedForOrderOne) {
  const auto grid_of = [](const ScatteringOptions& options, Packing packing) {
    const auto resolved = resolve(options);
    const Geometry geometry(resolved);
    return Tables<float>(resolved, geometry, FilterBank(resolved, geometry), packing).tilings[0].grid();
  };
  for (const auto& options : test::cases_on_grids()) {
    SCOPED_TRACE(test::name_of(options));
    EXPECT_TRUE(grid_of(options, wide));
    EXPECT_FALSE(grid_of(options, {.lanes = 8, .side = 8}));
    auto of_order_two = options;
    of_order_two.max_order = 2;
    EXPECT_FALSE(grid_of(of_order_two, wide));
  }
  EXPECT_FALSE(grid_of({.height = 64, .width = 64}, wide));  // 80 = 16 x 5
  EXPECT_FALSE(grid_of({.height = 32, .width = 32, .scales = 2}, {.lanes = 16, .side = 1}));
}

}  // namespace
}  // namespace scatlight::cpu
