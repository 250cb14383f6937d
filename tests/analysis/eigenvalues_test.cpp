#include "analysis/eigenvalues.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace scatlight::analysis {
namespace {

TEST(Eigenvalues, OfSmallMatrices) {
  EXPECT_EQ(symmetric_eigenvalues({7}, 1), std::vector<double>{7});
  EXPECT_EQ(symmetric_eigenvalues({0, 0, 0, 0}, 2), (std::vector<double>{0, 0}));
  EXPECT_EQ(symmetric_eigenvalues({1, 0, 0, 0, 5, 0, 0, 0, -2}, 3), (std::vector<double>{5, 1, -2}));
  const auto two = symmetric_eigenvalues({2, 1, 1, 2}, 2);
  EXPECT_NEAR(two[0], 3, 1e-15);
  EXPECT_NEAR(two[1], 1, 1e-15);
}

// The second difference with fixed ends has the eigenvalues 2 - 2 cos(k pi / (n + 1)).
TEST(Eigenvalues, OfTheSecondDifference) {
  constexpr int n = 41;
  std::vector<double> matrix(n * n);
  for (int i = 0; i < n; ++i) {
    matrix[i * n + i] = 2;
    if (i > 0) matrix[i * n + i - 1] = matrix[(i - 1) * n + i] = -1;
  }
  const auto found = symmetric_eigenvalues(matrix, n);
  for (int k = 1; k <= n; ++k)
    EXPECT_NEAR(found[n - k], 2 - 2 * std::cos(k * std::numbers::pi / (n + 1)), 1e-13);
}

TEST(Eigenvalues, OfAMatrixOfRankOne) {
  constexpr int n = 25;
  std::vector<double> matrix(n * n);
  double energy = 0;
  for (int i = 0; i < n; ++i) {
    energy += std::exp2(-i);
    for (int k = 0; k < n; ++k) matrix[i * n + k] = std::exp2(-(i + k) / 2.0);
  }
  const auto found = symmetric_eigenvalues(matrix, n);
  EXPECT_NEAR(found[0], energy, 1e-14);
  for (int i = 1; i < n; ++i) EXPECT_NEAR(found[i], 0, 1e-15);
}

}  // namespace
}  // namespace scatlight::analysis
