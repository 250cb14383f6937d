#include "analysis/energy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace scatlight::analysis {
namespace {

constexpr int size = 64;

std::vector<double> picture() {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::vector<double> image;
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column)
      image.push_back(std::sin(row / 5.0) + (column > row ? 1.0 : 0.0) + 0.1 * normal(random));
  }
  return image;
}

TEST(Energy, OfAFlatPictureIsAllInOrderZero) {
  const auto kept = energy_kept({.height = size, .width = size, .normalization = Normalization::Exact},
                                std::vector<double>(size * size, 0.7), 3);
  ASSERT_EQ(kept.size(), 3U);
  for (const auto& row : kept) {
    EXPECT_NEAR(row.order[0], 1, 1e-4);  // phi_1 is sampled coarsely: its samples sum to 1 + 1.3e-5
    EXPECT_NEAR(row.order[1], 0, 1e-9);
    EXPECT_NEAR(row.order[2], 0, 1e-9);
  }
}

// What is left out between samples is made up for: as with every sample, order by order, but for the edges.
TEST(Energy, EqualsThatOfAllSamples) {
  const auto image = picture();
  double whole = 0;
  for (const double sample : image) whole += sample * sample;
  const auto kept = energy_kept({.height = size, .width = size, .boundary = Boundary::Periodic}, image, 3);
  const Scattering plan({.height = size,
                         .width = size,
                         .scales = 3,
                         .max_order = 2,
                         .stride = 1,
                         .boundary = Boundary::Periodic});
  const auto map = static_cast<std::size_t>(size) * size;
  std::vector<double> features(plan.paths().size() * map);
  plan.forward(image, features);
  double order[3] = {};
  for (std::size_t i = 0; i < features.size(); ++i) {
    order[plan.paths()[i / map].order] += features[i] * features[i] / whole;
  }
  EXPECT_NEAR(kept[2].order[0], order[0], 1e-3 * order[0]);
  EXPECT_NEAR(kept[2].order[1], order[1], 2e-3 * order[1]);
  EXPECT_NEAR(kept[2].order[2], order[2], 2e-3 * order[2]);
}

TEST(Energy, MovesFromOrderZeroUpAndDoesNotGrow) {
  const auto kept = energy_kept({.height = size, .width = size}, picture(), 4);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_LT(kept[i].sum(), 1.03);
    EXPECT_DOUBLE_EQ(kept[i].sum(), kept[i].order[0] + kept[i].order[1] + kept[i].order[2]);
    if (i == 0) continue;
    EXPECT_LT(kept[i].order[0], kept[i - 1].order[0]);
  }
  EXPECT_EQ(kept[0].order[2], 0);
}

// Paper section 2.1: with 8 angles the transform compresses from J = 3 on.
TEST(Energy, CoefficientsPerPixel) {
  EXPECT_DOUBLE_EQ(coefficients_per_pixel(3, 8, 1), 25.0 / 64);
  EXPECT_DOUBLE_EQ(coefficients_per_pixel(3, 8, 2), 217.0 / 64);
  EXPECT_GT(coefficients_per_pixel(2, 8, 1), 1);
  EXPECT_DOUBLE_EQ(coefficients_per_pixel(2, 8, 0), 1.0 / 16);
}

}  // namespace
}  // namespace scatlight::analysis
