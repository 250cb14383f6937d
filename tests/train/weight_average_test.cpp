#include "train/weight_average.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

namespace scatlight::train {
namespace {

TEST(WeightAverage, FollowsTheFormula) {
  const auto weight = at::full({2}, 1.0F).requires_grad_(true);
  const auto count = at::full({}, 1, at::kLong);
  WeightAverage average({{"weight", weight}, {"count", count}}, 0.75);
  average.update(1);
  weight.detach().fill_(5);
  count.fill_(2);
  average.update(2);
  weight.detach().fill_(10);
  average.update(3);
  const auto averages = average.averages();
  EXPECT_EQ(averages[0].first, "weight");
  EXPECT_TRUE(at::equal(averages[0].second, at::full({2}, 4.0F))) << "1; 2 = 0.75 + 5 / 4; 4 = 1.5 + 10 / 4";
  EXPECT_EQ(averages[1].second.item<std::int64_t>(), 2) << "counts are copied";
}

TEST(WeightAverage, StandsInForTheWeightsWhileItIsUsed) {
  const auto weight = at::full({2}, 1.0F).requires_grad_(true);
  WeightAverage average({{"weight", weight}}, 0.5);
  average.update(1);
  weight.detach().fill_(3);
  average.update(2);
  {
    const WeightAverage::Use use(average);
    EXPECT_TRUE(at::equal(weight, at::full({2}, 2.0F)));
  }
  EXPECT_TRUE(at::equal(weight, at::full({2}, 3.0F)));
  EXPECT_TRUE(at::equal(average.averages()[0].second, at::full({2}, 2.0F)));
}

}  // namespace
}  // namespace scatlight::train
