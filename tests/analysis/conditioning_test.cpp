#include "analysis/conditioning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "analysis/eigenvalues.h"
#include "analysis/periodic_bank.h"

namespace scatlight::analysis {
namespace {

// The same map as one dense matrix: every channel's kernel at every kept place.
double share_seen_by_dense_matrix(const ScatteringOptions& options) {
  const PeriodicBank bank(options);
  const int size = options.height;
  const int step = 1 << options.scales;
  const auto pixels = static_cast<std::size_t>(size) * size;
  std::vector<std::vector<double>> kernels;
  const auto in_space = [&](ComplexPlane spectrum) {
    inverse_fft_2d(spectrum);
    auto& kernel = kernels.emplace_back();
    for (const auto& value : spectrum.values) kernel.push_back(value.real());
  };
  const auto phi = bank.phi();
  in_space({size, size, {phi.begin(), phi.end()}});
  ComplexPlane dirac{size, size, {}};
  dirac.values.assign(pixels, 1.0);
  for (int j = 0; j < options.scales; ++j) {
    for (int theta = 0; theta < options.angles; ++theta) {
      auto spectrum = spectrum_of(modulus_of_convolution(dirac, bank.psi(j, theta)), size, size);
      for (std::size_t i = 0; i < pixels; ++i) spectrum.values[i] *= phi[i];
      in_space(spectrum);
    }
  }
  std::vector<double> gram(pixels * pixels);
  std::vector<double> row_of_map(pixels);
  for (const auto& kernel : kernels) {
    for (int row = 0; row < size; row += step) {
      for (int column = 0; column < size; column += step) {
        for (std::size_t i = 0; i < pixels; ++i) {
          const int u = (row - static_cast<int>(i) / size + size) % size;
          const int v = (column - static_cast<int>(i) % size + size) % size;
          row_of_map[i] = kernel[u * size + v];
        }
        for (std::size_t a = 0; a < pixels; ++a) {
          for (std::size_t b = 0; b < pixels; ++b) gram[a * pixels + b] += row_of_map[a] * row_of_map[b];
        }
      }
    }
  }
  const auto squares = symmetric_eigenvalues(std::move(gram), static_cast<int>(pixels));
  const auto seen = std::ranges::count_if(squares, [&](double square) { return square > 1e-6 * squares[0]; });
  return static_cast<double>(seen) / static_cast<double>(pixels);
}

TEST(Conditioning, ShareSeenEqualsThatOfTheWholeMatrix) {
  const ScatteringOptions options{.height = 12, .width = 12, .scales = 2, .angles = 3};
  EXPECT_DOUBLE_EQ(conditioning(options, 2)[1].seen, share_seen_by_dense_matrix(options));
}

TEST(Conditioning, GetsWorseWithScaleAndSeesNoMoreThanItKeeps) {
  int calls = 0;
  const auto table = conditioning({.height = 64, .width = 64}, 4, [&] { ++calls; });
  ASSERT_EQ(table.size(), 4U);
  EXPECT_EQ(calls, 4);
  for (std::size_t i = 0; i < table.size(); ++i) {
    EXPECT_EQ(table[i].scales, static_cast<int>(i) + 1);
    EXPECT_LE(table[i].seen, std::min(1.0, table[i].coefficients));
    EXPECT_GT(table[i].seen, 0);
    if (i == 0) continue;
    EXPECT_GT(table[i].log10_condition, table[i - 1].log10_condition);
    EXPECT_LT(table[i].seen, table[i - 1].seen);
  }
  // At the edge of the disk phi_J is a Gaussian of 0.8 2^(J-1) pi deviations; what the wavelets add is small.
  EXPECT_NEAR(table[3].log10_condition, std::pow(0.8 * 8 * 3.14159, 2) / 2 / std::log(10), 4);
}

}  // namespace
}  // namespace scatlight::analysis
