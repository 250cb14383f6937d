#include "analysis/blobs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace scatlight::analysis {
namespace {

TEST(Blobs, MatricesInvert) {
  const auto blob = line_blob(5, 2, 0.7);
  const auto inverse = blob.inverse();
  EXPECT_NEAR(blob.row_row * inverse.row_row + blob.row_column * inverse.row_column, 1, 1e-14);
  EXPECT_NEAR(blob.row_row * inverse.row_column + blob.row_column * inverse.column_column, 0, 1e-14);
  EXPECT_NEAR(blob.determinant(), 25.0 * 4 / 4, 1e-12);
}

// The model's definition, x^(w) = exp(-w^T Sigma w), around the middle of the picture.
TEST(Blobs, DrawnBlobHasTheSpectrumOfTheModel) {
  constexpr int height = 40;
  constexpr int width = 50;
  // Wider than the picture along one direction, so that it wraps around.
  for (const auto& sigma : {round_blob(3), line_blob(15, 2.5, 0.4)}) {
    const auto blob = draw_blob(sigma, height, width);
    EXPECT_NEAR(std::accumulate(blob.begin(), blob.end(), 0.0), 1, 1e-12);
    const auto spectrum = spectrum_of(blob, height, width);
    for (int row = 0; row < height; ++row) {
      for (int column = 0; column < width; ++column) {
        const double u = frequency_of(row, height);
        const double v = frequency_of(column, width);
        const auto expected = std::exp(-sigma.form(u, v)) * std::polar(1.0, -(u * height + v * width) / 2);
        ASSERT_NEAR(std::abs(spectrum.at(row, column) - expected), 0, 1e-9) << row << ' ' << column;
      }
    }
  }
}

// Proposition 2 with its constant. The finest wavelet is sampled too coarsely to be a Gaussian in frequency,
// so the transform itself agrees from scale 1 on.
TEST(Blobs, ClosedFormEqualsTheTransform) {
  const ScatteringOptions options{.height = 160, .width = 176};
  for (const auto& sigma : {round_blob(4), round_blob(7), line_blob(8, 5, 0.3)}) {
    const auto errors = compare_blob(options, sigma);
    ASSERT_EQ(errors.scales.size(), 3U);
    EXPECT_LT(errors.order0, 1e-9);
    for (const auto& scale : errors.scales) {
      EXPECT_LT(scale.unsampled, 1e-9);
      EXPECT_LT(scale.constant, 1e-9);
      EXPECT_LT(scale.residual, 1e-9);
      EXPECT_LE(scale.smallest_constant, scale.largest_constant);
      EXPECT_LT(scale.largest_constant, 1);
    }
    EXPECT_LT(errors.scales[0].transform, 0.06);
    EXPECT_LT(errors.scales[1].transform, 1e-9);
    EXPECT_LT(errors.scales[2].transform, 1e-5);  // |x * psi_2| at every fourth sample
  }
}

// kappa lies between 0, for a line without width across the wave, and xi^T P xi, for a blob without detail.
TEST(Blobs, ConstantGoesFromOneToTheWaveletsOwnMean) {
  const PeriodicBank bank({.height = 64, .width = 64});
  const BlobScattering closed(bank);
  const double theta = bank.theta(2);
  EXPECT_NEAR(closed.kappa(line_blob(1e-4, 10, theta), 1, 2), 0, 1e-6);
  const double product = 0.8 * bank.options().center_frequency;
  EXPECT_NEAR(closed.kappa(round_blob(1e4), 1, 2), product * product / 2, 1e-6);
}

}  // namespace
}  // namespace scatlight::analysis
