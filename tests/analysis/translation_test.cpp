#include "analysis/translation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <random>

namespace scatlight::analysis {
namespace {

constexpr int size = 48;

std::vector<double> noise(int seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> image(size * size);
  for (auto& sample : image) sample = normal(random);
  return image;
}

ComplexPlane convolve(const std::vector<double>& image, const std::vector<double>& psi) {
  auto plane = spectrum_of(image, size, size);
  for (std::size_t i = 0; i < psi.size(); ++i) plane.values[i] *= psi[i];
  inverse_fft_2d(plane);
  return plane;
}

// Proposition 1's left side, written down in space for whole shifts.
TEST(Translation, ChangeEqualsItsDefinition) {
  const PeriodicBank bank({.height = size, .width = size, .wavelet = Wavelet::Gabor});
  const auto image = noise(1);
  constexpr int down = 2;
  constexpr int across = -3;
  std::vector<double> moved(image.size());
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column)
      moved[(row + down + size) % size * size + (column + across + size) % size] = image[row * size + column];
  }
  for (int j = 0; j < 3; ++j) {
    const auto psi = bank.psi(j, 1);
    const auto center = bank.center_frequency(j, 1);
    const auto still = convolve(image, psi);
    const auto after = convolve(moved, psi);
    const auto turn = std::polar(1.0, -(center.row * down + center.column * across));
    double changed = 0;
    double energy = 0;
    for (std::size_t i = 0; i < image.size(); ++i) {
      changed += std::norm(after.values[i] - turn * still.values[i]);
      energy += image[i] * image[i];
    }
    const TranslationStudy study(bank, j, 1);
    EXPECT_NEAR(study.change(spectrum_of(image, size, size), {down, across}), std::sqrt(changed / energy),
                1e-12);
  }
}

TEST(Translation, NoSignalIsBeyondTheBound) {
  const std::vector<double> lengths = {0.01, 0.25, 0.7, 1, 3, 8, 20};
  for (const auto wavelet : {Wavelet::Gabor, Wavelet::Morlet}) {
    const PeriodicBank bank({.height = size, .width = size, .wavelet = wavelet});
    const auto spectrum = spectrum_of(noise(2), size, size);
    const auto worst = translation_table(bank, nullptr, lengths, 5);
    const auto image = translation_table(bank, &spectrum, lengths, 5);
    ASSERT_EQ(worst.size(), 3 * lengths.size());
    for (std::size_t i = 0; i < worst.size(); ++i) {
      EXPECT_LE(worst[i].ratio(), 1) << "scale " << worst[i].scale << " shift " << worst[i].length;
      EXPECT_GT(worst[i].ratio(), 0.05);
      EXPECT_LE(image[i].ratio(), worst[i].ratio());
    }
  }
}

// Larger wavelets have narrower spectra: "dilating psi to psi_j is equivalent to dilating eta_0 to 2^-j
// eta_0".
TEST(Translation, BoundHalvesFromScaleToScale) {
  const PeriodicBank bank({.height = 96, .width = 96, .scales = 4, .wavelet = Wavelet::Gabor});
  for (int j = 1; j < 3; ++j) {
    const double here = TranslationStudy(bank, j, 0).bound(0.25).value;
    const double coarser = TranslationStudy(bank, j + 1, 0).bound(0.5).value;
    EXPECT_NEAR(coarser / here, 1, 0.1);  // on a grid of frequencies
  }
}

TEST(Translation, DiracChangesLinearlyInTheNormAndQuadraticallyAtItsSample) {
  const auto orders = dirac_orders({.height = size, .width = size}, 2);
  EXPECT_NEAR(orders.of_norm, 1, 0.02);
  EXPECT_NEAR(orders.at_sample, 2, 0.02);
}

}  // namespace
}  // namespace scatlight::analysis
