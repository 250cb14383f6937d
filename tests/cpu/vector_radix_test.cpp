// Vector-radix plans: their index maps, and that they are used where they should be.

#include "cpu/vector_radix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "cpu/plans.h"
#include "cpu/tables.h"

namespace scatlight::cpu {
namespace {

constexpr Packing wide = {.lanes = 16, .block_size = 16};

std::vector<std::int32_t> first_numbers(int count) {
  std::vector<std::int32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(VectorRadixPlan, HasEachSampleOnce) {
  const int height = 256;
  const int width = 336;
  ASSERT_TRUE(VectorRadixPlan::fits(height, width, wide));
  const VectorRadixPlan plan(height, width);
  std::vector<std::int32_t> places;
  for (int r = 0; r < height; ++r) {
    for (int c = 0; c < width; ++c)
      places.push_back(static_cast<std::int32_t>(plan.element(r, c)) * VectorRadixPlan::radix +
                       c % VectorRadixPlan::radix);
  }
  for (auto [of_samples, count] :
       {std::pair{places, height * width}, {plan.row_of, height}, {plan.column_of, width}}) {
    std::ranges::sort(of_samples);
    EXPECT_EQ(of_samples, first_numbers(count));
  }
}

TEST(VectorRadixPlan, IsUsedForOrderOne) {
  const auto plan_of = [](const ScatteringOptions& options, Packing packing) {
    const auto resolved = resolve(options);
    const Geometry geometry(resolved);
    return Tables<float>(resolved, geometry, FilterBank(resolved, geometry), packing)
        .tilings[0]
        .vector_radix();
  };
  for (const auto& options : test::cases_by_vector_radix()) {
    SCOPED_TRACE(test::name_of(options));
    EXPECT_TRUE(plan_of(options, wide));
    EXPECT_FALSE(plan_of(options, {.lanes = 8, .block_size = 8}));
    auto of_order_two = options;
    of_order_two.max_order = 2;
    EXPECT_FALSE(plan_of(of_order_two, wide));
  }
  EXPECT_FALSE(plan_of({.height = 64, .width = 64}, wide));  // 80 = 16 x 5
  EXPECT_FALSE(plan_of({.height = 32, .width = 32, .scales = 2}, {.lanes = 16, .block_size = 1}));
}

}  // namespace
}  // namespace scatlight::cpu
