#include "train/scores.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/expect_error.h"

namespace scatlight::train {
namespace {

using Indices = std::vector<std::int64_t>;

TEST(TopK, OrdersByScoreAndEqualScoresByIndex) {
  const std::vector<float> scores = {1, 3, 2, 3, 1};
  EXPECT_EQ(top_k(scores, 3), (Indices{1, 3, 2}));
  EXPECT_EQ(top_k(scores, 5), (Indices{1, 3, 2, 0, 4}));
  EXPECT_EQ(top_k(scores, 9), top_k(scores, 5)) << "no more than there are";
  EXPECT_TRUE(top_k(scores, 0).empty());
}

TEST(Softmax, GivesProbabilitiesAlsoOfHugeLogits) {
  const auto p = softmax(std::vector<float>{1000, 1000, 0});
  EXPECT_DOUBLE_EQ(p[0], 0.5);
  EXPECT_DOUBLE_EQ(p[1], 0.5);
  EXPECT_EQ(p[2], 0);
  const auto q = softmax(std::vector<float>{0, std::log(3.0F)});
  EXPECT_NEAR(q[1], 0.75, 1e-7);
}

TEST(CheckFinite, RefusesAllElse) {
  check_finite(std::vector<float>{0, -3e38F});
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    test::expect_error([&] { check_finite(std::vector<float>{0, bad}); }, "not finite");
  }
}

}  // namespace
}  // namespace scatlight::train
