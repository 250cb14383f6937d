#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace scatlight::test {

/// How far two arrays are apart, and how far they may be.
struct Bound {
  double relative = 1e-5;  ///< of each expected value
  double of_scale = 1e-6;  ///< of the largest expected magnitude
};

/// The one comparison of the tests. Fails unless |actual - expected| <= relative |expected| + of_scale
/// max|expected| everywhere; says the worst error, its bound and the share of the bound that was used.
template <class A, class B>
void expect_close(std::span<A> actual, std::span<B> expected, Bound bound, const char* what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  ASSERT_FALSE(expected.empty()) << what;
  double scale = 0;
  for (double e : expected) scale = std::max(scale, std::abs(e));
  double worst_share = -1;
  double worst_error = 0;
  double worst_bound = 0;
  std::size_t worst_index = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double error = std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
    const double allowed =
        bound.relative * std::abs(static_cast<double>(expected[i])) + bound.of_scale * scale;
    const double share = error == 0 ? 0 : error / allowed;  // a bound of zero asks for equality
    if (!(share <= worst_share)) {                          // also true for NaN
      worst_share = share;
      worst_error = error;
      worst_bound = allowed;
      worst_index = i;
    }
  }
  const auto line = fmt::format("{}: worst error {:.3g} at {}, bound {:.3g}, share {:.1f} %", what,
                                worst_error, worst_index, worst_bound, 100 * worst_share);
  fmt::print("  {}\n", line);
  EXPECT_LE(worst_share, 1) << line;
}

/// For gradients of a modulus, which jump where it is zero: rounding moves single values far. Fails unless
/// ||actual - expected|| <= relative ||expected||.
template <class A, class B>
void expect_close_in_norm(std::span<A> actual, std::span<B> expected, double relative, const char* what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(static_cast<double>(actual[i]) - static_cast<double>(expected[i]), 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  const double share = std::sqrt(error / norm) / relative;
  const auto line =
      fmt::format("{}: relative error of the norm {:.3g}, bound {:.3g}", what, share * relative, relative);
  fmt::print("  {}\n", line);
  EXPECT_LE(share, 1) << line;
}

}  // namespace scatlight::test
