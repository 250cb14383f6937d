#include "analysis/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "analysis/frame_search.h"
#include "analysis/periodic_bank.h"
#include "support/expect_error.h"

namespace scatlight::analysis {
namespace {

// Wide Gabor filters with true pi are Gaussians in frequency, so both sums are known.
TEST(Frame, SumsOfGaborFiltersAreSumsOfGaussians) {
  const ScatteringOptions options{.height = 40,
                                  .width = 48,
                                  .scales = 1,
                                  .angles = 1,
                                  .wavelet = Wavelet::Gabor,
                                  .normalization = Normalization::Exact,
                                  .sigma = 3,
                                  .center_frequency = 1,
                                  .slant = 1};
  const auto sum = littlewood_paley(options);
  const auto center = PeriodicBank(options).center_frequency(0, 0);
  EXPECT_NEAR(std::hypot(center.row, center.column), 1, 1e-12);
  const auto bump = [](double u, double v) { return std::exp(-9 * (u * u + v * v)); };
  for (int row = 0; row < 40; ++row) {
    for (int column = 0; column < 48; ++column) {
      const double u = frequency_of(row, 40);
      const double v = frequency_of(column, 48);
      const double there = bump(u - center.row, v - center.column);
      const double mirrored = bump(u + center.row, v + center.column);
      const auto i = static_cast<std::size_t>(row) * 48 + column;
      ASSERT_NEAR(sum.printed(i), bump(u, v) + there, 1e-9);
      ASSERT_NEAR(sum.real(i), bump(u, v) + (there + mirrored) / 2, 1e-9);
      ASSERT_NEAR(sum.real(i, 2), bump(u, v) + 2 * (there + mirrored), 1e-9);
    }
  }
}

TEST(Frame, EpsilonIsTheLargerDistanceFromOne) {
  EXPECT_DOUBLE_EQ((FrameBounds{.lower = 0.75, .upper = 1.5}).epsilon(), 0.5);
  EXPECT_DOUBLE_EQ((FrameBounds{.lower = 0.25, .upper = 1.5}).epsilon(), 0.75);
  EXPECT_DOUBLE_EQ((FrameBounds{.lower = 1, .upper = 1}).epsilon(), 0);
}

// Angles over half a turn leave the other half of the plane empty, which the sum as printed counts.
TEST(Frame, OnlyTheSymmetricSumIsAFrame) {
  const auto sum = littlewood_paley({.height = 96, .width = 96});
  EXPECT_LT(printed_bounds(sum).lower, 0.01);
  EXPECT_GT(real_bounds(sum).lower, 0.3);
  EXPECT_LT(real_bounds(sum).upper, 1.03);
}

TEST(Frame, BestGainIsAMinimum) {
  const auto sum = littlewood_paley({.height = 64, .width = 64, .scales = 2, .angles = 6});
  const double gain = best_gain(sum);
  const double epsilon = real_bounds(sum, gain).epsilon();
  EXPECT_LE(epsilon, real_bounds(sum).epsilon());
  EXPECT_LE(epsilon, real_bounds(sum, gain * 1.001).epsilon());
  EXPECT_LE(epsilon, real_bounds(sum, gain * 0.999).epsilon());
}

TEST(Frame, RadialCurveLiesBetweenTheBounds) {
  const auto sum = littlewood_paley({.height = 64, .width = 64});
  const auto bounds = real_bounds(sum);
  const auto curve = radial_curve(sum, 16);
  ASSERT_EQ(curve.radius.size(), 16U);
  EXPECT_DOUBLE_EQ(*std::ranges::min_element(curve.lowest), bounds.lower);
  EXPECT_DOUBLE_EQ(*std::ranges::max_element(curve.highest), bounds.upper);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_LE(curve.lowest[i], curve.mean[i]);
    EXPECT_LE(curve.mean[i], curve.highest[i]);
  }
}

TEST(Frame, RadialCurveLeavesOutEmptyRings) {
  const auto curve = radial_curve(littlewood_paley({.height = 8, .width = 8}), 64);
  EXPECT_LT(curve.radius.size(), 20U);
  for (const double value : curve.mean) EXPECT_TRUE(std::isfinite(value));
}

TEST(Frame, SearchImprovesEpsilonAndReportsWhatItsFiltersHave) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 4};
  const double before = real_bounds(littlewood_paley(options)).epsilon();
  int calls = 0;
  const auto found = search_frame(options, /*with_gain=*/false, [&] { ++calls; });
  const auto scaled = search_frame(options, /*with_gain=*/true);
  EXPECT_EQ(calls, frame_search_starts());
  EXPECT_EQ(found.gain, 1);
  EXPECT_LT(found.epsilon, before / 2);
  EXPECT_DOUBLE_EQ(found.epsilon, real_bounds(littlewood_paley(found.options)).epsilon());
  EXPECT_DOUBLE_EQ(scaled.epsilon, real_bounds(littlewood_paley(scaled.options), scaled.gain).epsilon());
}

TEST(Frame, OptionsAreChecked) {
  test::expect_error([] { littlewood_paley({.height = 4, .width = 64}); }, "height is 4");
}

}  // namespace
}  // namespace scatlight::analysis
