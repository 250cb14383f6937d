#include "analysis/energy_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace scatlight::analysis {
namespace {

constexpr std::array<Color, 3> order_colors = {{{52, 96, 148}, {236, 140, 60}, {120, 170, 90}}};

std::vector<EnergyKept> mean_of(const std::vector<std::vector<EnergyKept>>& images) {
  auto mean = images.front();
  for (std::size_t row = 0; row < mean.size(); ++row) {
    for (std::size_t order = 0; order < 3; ++order) {
      double sum = 0;
      for (const auto& image : images) sum += image[row].order[order];
      mean[row].order[order] = sum / static_cast<double>(images.size());
    }
  }
  return mean;
}

}  // namespace

Picture draw_energy(const std::vector<std::vector<EnergyKept>>& images) {
  const auto rows = mean_of(images);
  constexpr int width = 1000;
  constexpr int left = 70;
  constexpr int top = 60;
  constexpr int height = 360;
  constexpr int legend_left = 790;
  Picture picture(top + height + 50, width);
  picture.write("SHARE OF THE VARIANCE KEPT", 20, left, 2, black);

  // Gabor banks may keep more than there was.
  double largest = 1;
  for (const auto& row : rows) largest = std::max(largest, row.sum());
  const double top_value = largest > 1.1 ? std::ceil(2 * largest) / 2 : 1.1;
  const auto height_of = [&](double share) {
    return static_cast<int>(std::lround(share / top_value * height));
  };
  const double tick = top_value > 1.5 ? 0.5 : 0.25;
  for (int i = 0; i * tick <= top_value; ++i) {
    const auto label = fmt::format("{:.2f}", i * tick);
    const int row = top + height - height_of(i * tick);
    picture.fill(row, left, 1, legend_left - left - 30, i * tick == 1 ? black : light);
    picture.write(label, row - 7, left - 8 - text_width(label, 2), 2, black);
  }
  const int pitch = (legend_left - left - 40) / static_cast<int>(rows.size());
  const int bar = std::min(90, pitch * 2 / 3);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const int bar_left = left + 10 + static_cast<int>(i) * pitch + (pitch - bar) / 2;
    double below = 0;
    for (std::size_t order = 0; order < 3; ++order) {
      const int from = height_of(below);
      below += rows[i].order[order];
      picture.fill(top + height - height_of(below), bar_left, height_of(below) - from, bar,
                   order_colors[order]);
    }
    const auto label = fmt::format("J={}", rows[i].scales);
    picture.write(label, top + height + 14, bar_left + (bar - text_width(label, 2)) / 2, 2, black);
  }
  for (int order = 2; order >= 0; --order) {
    const int row = top + 20 + (2 - order) * 30;
    picture.fill(row, legend_left, 18, 18, order_colors[static_cast<std::size_t>(order)]);
    picture.write(fmt::format("ORDER {}", order), row + 2, legend_left + 28, 2, black);
  }
  return picture;
}

}  // namespace scatlight::analysis
