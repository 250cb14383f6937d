#include "analysis/minimize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace scatlight::analysis {
namespace {

TEST(Minimize, FindsTheValleyOfRosenbrock) {
  const auto function = [](const std::vector<double>& x) {
    return std::pow(1 - x[0], 2) + 100 * std::pow(x[1] - x[0] * x[0], 2);
  };
  const auto minimum = minimize(function, {-1.2, 1}, 0.1, 1e-8, 1000);
  EXPECT_NEAR(minimum.at[0], 1, 1e-6);
  EXPECT_NEAR(minimum.at[1], 1, 1e-6);
  EXPECT_LE(minimum.evaluations, 1000);
}

TEST(Minimize, TakesCornersAndTheEdgeOfTheDomain) {
  const auto function = [](const std::vector<double>& x) {
    return x[0] < 2 ? std::numeric_limits<double>::infinity() : std::abs(x[0] - 3) + std::abs(x[1] + 1);
  };
  const auto minimum = minimize(function, {2.1, 0}, 0.1, 1e-7, 1000);
  EXPECT_NEAR(minimum.at[0], 3, 1e-5);
  EXPECT_NEAR(minimum.at[1], -1, 1e-5);
}

}  // namespace
}  // namespace scatlight::analysis
