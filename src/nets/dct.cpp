#include "nets/dct.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "nets/limits.h"

namespace scatlight::nets {
namespace {

using Matrix = std::array<std::array<double, 3>, 3>;

// JFIF 1.02: rows Y, Cb, Cr of columns R, G, B.
constexpr Matrix to_ycbcr = {
    {{0.299, 0.587, 0.114}, {-0.168736, -0.331264, 0.5}, {0.5, -0.418688, -0.081312}}};

/// Rows and columns of a block's coefficients from low to high: (0, 0), (0, 1), (1, 0), (2, 0), (1, 1) ...
std::vector<std::pair<int, int>> zigzag(int block) {
  std::vector<std::pair<int, int>> order;
  for (int diagonal = 0; diagonal < 2 * block - 1; ++diagonal) {
    const int first = std::max(0, diagonal - block + 1);
    const int last = std::min(diagonal, block - 1);
    for (int step = 0; step <= last - first; ++step) {
      const int row = diagonal % 2 == 1 ? first + step : last - step;
      order.emplace_back(row, diagonal - row);
    }
  }
  return order;
}

/// Of each frequency its cosine at the samples of a block, of length 1.
std::vector<std::vector<double>> make_basis(int block) {
  std::vector<std::vector<double>> basis;
  for (int frequency = 0; frequency < block; ++frequency) {
    const double scale = std::sqrt((frequency == 0 ? 1.0 : 2.0) / block);
    auto& samples = basis.emplace_back();
    for (int sample = 0; sample < block; ++sample)
      samples.push_back(scale * std::cos(std::numbers::pi * (2 * sample + 1) * frequency / (2 * block)));
  }
  return basis;
}

}  // namespace

std::array<int, 3> dct_shares(int block, int channels) {
  const int most = block * block;
  const int luma = std::min(most, channels - 2 * (5 * channels / 24));
  const int rest = channels - luma;
  return {luma, (rest + 1) / 2, rest / 2};
}

DctFilters make_dct(int block, int channels, const std::array<float, 3>& mean,
                    const std::array<float, 3>& deviation) {
  const int all = 3 * block * block;
  require_range("dct_channels", channels, 0, all);
  const auto shares = dct_shares(block, channels == 0 ? all : channels);
  const auto order = zigzag(block);
  const auto basis = make_basis(block);
  std::vector<float> weight;
  std::vector<float> bias;
  for (std::size_t component = 0; component < 3; ++component) {
    const auto& colour = to_ycbcr[component];
    double level = component == 0 ? -0.5 : 0;  // of a black image
    for (std::size_t c = 0; c < 3; ++c) level += colour[c] * mean[c];
    for (int i = 0; i < shares[component]; ++i) {
      const auto [row, column] = order[static_cast<std::size_t>(i)];
      bias.push_back(i == 0 ? static_cast<float>(block * level) : 0.0F);
      for (std::size_t c = 0; c < 3; ++c) {
        for (const double along_y : basis[static_cast<std::size_t>(row)]) {
          for (const double along_x : basis[static_cast<std::size_t>(column)])
            weight.push_back(static_cast<float>(colour[c] * deviation[c] * along_y * along_x));
        }
      }
    }
  }
  const auto count = std::ssize(bias);
  return {.weight = at::tensor(weight).view({count, 3, block, block}), .bias = at::tensor(bias)};
}

}  // namespace scatlight::nets
