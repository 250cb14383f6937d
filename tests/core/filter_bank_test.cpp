#include "core/filter_bank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>

namespace scatlight {
namespace {

struct Bank {
  explicit Bank(ScatteringOptions given)
      : options(resolve(given)), geometry(options), bank(options, geometry) {}
  ScatteringOptions options;
  Geometry geometry;
  FilterBank bank;
};

TEST(FilterBank, MorletHasZeroMeanAndGaborHasNot) {
  const Bank morlet({.height = 64, .width = 48});
  const Bank gabor({.height = 64, .width = 48, .wavelet = Wavelet::Gabor});
  for (int j = 0; j < 3; ++j) {
    EXPECT_NEAR(morlet.bank.psi(j, 2, 0)[0], 0, 1e-12);
    EXPECT_GT(gabor.bank.psi(j, 2, 0)[0], 1e-3);
  }
}

// With true pi the low-pass keeps the mean exactly; kymatio's 3.1415 makes it larger by pi / 3.1415 over both
// axes.
TEST(FilterBank, NormalizationIsKymatiosOrExact) {
  const Bank exact({.height = 64, .width = 64, .normalization = Normalization::Exact});
  const Bank kymatio({.height = 64, .width = 64});
  EXPECT_NEAR(exact.bank.phi(exact.geometry.rows, 0)[0], 1, 1e-12);
  const double mean = kymatio.bank.phi(kymatio.geometry.rows, 0)[0];
  EXPECT_NEAR(mean * mean, std::numbers::pi / 3.1415, 1e-12);
}

// In the continuum (sigma large enough to be sampled finely, one period) the Gabor filter is the paper's
// kappa: a Gaussian in frequency around the centre frequency.
TEST(FilterBank, GaborIsAGaussianInFrequency) {
  const Bank gabor({.height = 128,
                    .width = 128,
                    .scales = 4,
                    .wavelet = Wavelet::Gabor,
                    .normalization = Normalization::Exact});
  const int size = gabor.geometry.rows.padded;
  const int scale = 3;
  const int angle = 1;
  const auto psi = gabor.bank.psi(scale, angle, 0);
  const double sigma = 0.8 * 8;
  const double xi = gabor.options.center_frequency / 8;
  const double theta = gabor.bank.theta(angle);
  for (int row = -size / 4; row < size / 4; ++row) {
    for (int column = -size / 4; column < size / 4; ++column) {
      const double u = 2 * std::numbers::pi * row / size;
      const double v = 2 * std::numbers::pi * column / size;
      const double along = u * std::cos(theta) + v * std::sin(theta) - xi;
      const double across = (-u * std::sin(theta) + v * std::cos(theta)) / gabor.options.slant;
      const double expected = std::exp(-sigma * sigma * (along * along + across * across) / 2);
      const auto index = static_cast<std::size_t>((row + size) % size) * size + (column + size) % size;
      ASSERT_NEAR(psi[index], expected, 1e-9) << row << ' ' << column;
    }
  }
}

// Paper section 2.1: the filters cover the plane. The default Morlet bank's Littlewood-Paley sum stays
// between these bounds inside the circle of radius pi (real images see half of each wavelet: psi and its
// mirror image).
TEST(FilterBank, LittlewoodPaleySumIsBounded) {
  const Bank morlet({.height = 120, .width = 120, .normalization = Normalization::Exact});
  const int size = morlet.geometry.rows.padded;
  std::vector<double> sum(static_cast<std::size_t>(size) * size);
  const auto phi = morlet.bank.phi(morlet.geometry.rows, 0);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column)
      sum[row * size + column] = std::pow(phi[row] * phi[column], 2);
  }
  for (int j = 0; j < 3; ++j) {
    for (int theta = 0; theta < 8; ++theta) {
      const auto psi = morlet.bank.psi(j, theta, 0);
      for (int row = 0; row < size; ++row) {
        for (int column = 0; column < size; ++column) {
          const int mirrored = (size - row) % size * size + (size - column) % size;
          sum[row * size + column] +=
              (std::pow(psi[row * size + column], 2) + std::pow(psi[mirrored], 2)) / 2;
        }
      }
    }
  }
  double lowest = 10;
  double highest = 0;
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      const double distance = std::hypot(std::min(row, size - row), std::min(column, size - column));
      highest = std::max(highest, sum[row * size + column]);
      if (distance < size / 2.0) lowest = std::min(lowest, sum[row * size + column]);
    }
  }
  std::printf("  Littlewood-Paley sum in [%.4f, %.4f]\n", lowest, highest);
  EXPECT_GT(lowest, 0.3);
  EXPECT_LT(highest, 1.03);
}

// The closed form of the spectra against filters that were sampled and wrapped around in space, also where
// five periods cut them off (many angles on a plane of 2^J samples).
TEST(FilterBank, ClosedFormEqualsFiltersMadeInSpace) {
  for (const auto& options :
       {ScatteringOptions{.height = 96, .width = 70, .scales = 3},
        ScatteringOptions{.height = 37, .width = 101, .scales = 2, .angles = 5},
        ScatteringOptions{.height = 16, .width = 16, .scales = 4, .angles = 16},
        ScatteringOptions{
            .height = 64, .width = 64, .scales = 3, .angles = 2, .wavelet = Wavelet::Gabor, .slant = 1.5}}) {
    const Bank bank(options);
    std::vector<double> closed(bank.geometry.rows.padded);
    std::vector<double> made(bank.geometry.rows.padded);
    double worst = 0;
    for (int j = 0; j < options.scales; ++j) {
      for (int theta = 0; theta < options.angles; ++theta) {
        const auto spectrum = bank.bank.wavelet(j, theta);
        const auto in_space = bank.bank.morlet(j, theta).made_in_space();
        for (int column = 0; column < bank.geometry.columns.padded; ++column) {
          spectrum.column(column, closed);
          in_space.column(column, made);
          for (std::size_t row = 0; row < made.size(); ++row) {
            worst = std::max(worst, std::abs(closed[row] - made[row]));
          }
        }
      }
    }
    EXPECT_LT(worst, 1e-12) << options.height << " x " << options.width << ", L = " << options.angles;
  }
}

TEST(FilterBank, FoldingKeepsTheBandAndAddsTheRest) {
  const Bank bank({.height = 64, .width = 64});
  const auto whole = bank.bank.phi(bank.geometry.rows, 0);
  const auto folded = bank.bank.phi(bank.geometry.rows, 1);
  const int length = static_cast<int>(whole.size());
  ASSERT_EQ(folded.size(), whole.size() / 2);
  for (int k = 0; k < length / 4; ++k) EXPECT_EQ(folded[k], whole[k]);
  for (int k = 1; k <= length / 4; ++k) EXPECT_EQ(folded[length / 2 - k], whole[length - k]);
}

}  // namespace
}  // namespace scatlight
