#include "analysis/filter_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>

namespace scatlight::analysis {
namespace {

constexpr double pi = std::numbers::pi;
constexpr Color black = {};
constexpr Color grey = {150, 150, 150};
constexpr Color light = {225, 225, 225};
constexpr int picture_width = 1000;
constexpr int margin = 16;

/// The index of a spectrum of `length` samples that a pixel of [-pi, pi) stands for.
int index_of_pixel(int pixel, int size, int length) {
  const int shifted = pixel * length / size;
  return (shifted + (length + 1) / 2) % length;
}

/// Writes with the text's middle at a column.
void write_centred(Picture& picture, const std::string& text, int top, int column, int scale, Color color) {
  picture.write(text, top, column - (text_width(text, scale) - scale) / 2, scale, color);
}

// ---- the Littlewood-Paley sum ----

/// One curve through values in [0, 2] over a box.
void draw_curve(Picture& picture, const std::vector<double>& values, int top, int left, int height, int width,
                Color color) {
  const auto row_of = [&](double value) {
    return top + height - static_cast<int>(std::lround(value / 2 * height));
  };
  for (int column = 0; column < width; ++column) {
    const double position = static_cast<double>(column) / width * static_cast<double>(values.size() - 1);
    const auto i = static_cast<std::size_t>(position);
    const double share = position - static_cast<double>(i);
    const double slope = values[i + 1] - values[i];
    const int from = row_of(std::clamp(values[i] + share * slope, 0.0, 2.0));
    const int to = row_of(std::clamp(
        values[i] + std::min(1.0, share + static_cast<double>(values.size() - 1) / width) * slope, 0.0, 2.0));
    picture.fill(std::min(from, to) - 1, left + column, std::abs(from - to) + 3, 1, color);
  }
}

void draw_axes(Picture& picture, int top, int left, int height, int width) {
  for (int tick = 0; tick <= 4; ++tick) {
    const int row = top + height - tick * height / 4;
    picture.fill(row, left, 1, width, tick == 2 ? grey : light);
    const auto label = fmt::format("{:.1f}", tick / 2.0);
    picture.write(label, row - 7, left - 8 - text_width(label, 2), 2, black);
  }
  const char* labels[] = {"0", "PI/4", "PI/2", "3PI/4", "PI"};
  for (int tick = 0; tick <= 4; ++tick) {
    const int column = left + tick * (width - 1) / 4;
    picture.fill(top, column, height + 6, 1, tick % 4 == 0 ? grey : light);
    write_centred(picture, labels[tick], top + height + 12, column, 2, black);
  }
}

// ---- filters ----

/// The angles that a gallery shows.
std::vector<int> shown_angles(int angles) {
  const int step = (angles + 15) / 16;
  std::vector<int> shown;
  for (int angle = 0; angle < angles; angle += step) shown.push_back(angle);
  return shown;
}

/// The real part of a filter in space between the samples too: of the function that the bank samples.
class FilterInSpace {
 public:
  static FilterInSpace psi(const ScatteringOptions& options, int scale, double theta) {
    const double sigma = options.sigma * std::exp2(scale);
    FilterInSpace filter(line_blob(sigma, sigma / options.slant, theta));
    filter.frequency_ = options.center_frequency / std::exp2(scale);
    filter.theta_ = theta;
    if (options.wavelet == Wavelet::Morlet) filter.subtracted_ = filter.mean_of_samples();
    return filter;
  }
  static FilterInSpace phi(const ScatteringOptions& options) {
    return FilterInSpace(round_blob(options.sigma * std::exp2(options.scales - 1)));
  }

  double at(double row, double column) const {
    return envelope(row, column) * (wave(row, column) - subtracted_);
  }

 private:
  explicit FilterInSpace(const Matrix2& half_covariance)
      : inverse_(half_covariance.inverse()), half_covariance_(half_covariance) {}

  double envelope(double row, double column) const { return std::exp(-inverse_.form(row, column) / 4); }
  double wave(double row, double column) const {
    return std::cos(frequency_ * (row * std::cos(theta_) + column * std::sin(theta_)));
  }

  /// What Morlet subtracts from the wave: its mean under the envelope.
  double mean_of_samples() const {
    const int rows = static_cast<int>(7 * std::sqrt(2 * half_covariance_.row_row));
    const int columns = static_cast<int>(7 * std::sqrt(2 * half_covariance_.column_column));
    double sum = 0;
    double weight = 0;
    for (int row = -rows; row <= rows; ++row) {
      for (int column = -columns; column <= columns; ++column) {
        sum += envelope(row, column) * wave(row, column);
        weight += envelope(row, column);
      }
    }
    return sum / weight;
  }

  Matrix2 inverse_;
  Matrix2 half_covariance_;
  double frequency_ = 0;
  double theta_ = 0;
  double subtracted_ = 0;
};

/// psi_{scale,angle}, or phi_J where they are -1.
struct Filter {
  int scale = -1;
  int angle = -1;
};

/// A gallery: a row for each scale, a column for each angle, then phi with a caption beside it.
Picture draw_gallery(const PeriodicBank& bank, const std::vector<std::string>& caption,
                     const std::function<Picture(Filter filter, int size)>& draw) {
  const auto angles = shown_angles(bank.options().angles);
  const int columns = static_cast<int>(angles.size());
  const int scales = bank.options().scales;
  constexpr int gap = 6;
  constexpr int label_width = 66;
  constexpr int header = 50;
  constexpr int line_height = 26;
  const int tile = std::min(220, (picture_width - label_width - margin) / columns - gap);
  const int last_row = std::max(tile, line_height * static_cast<int>(caption.size()));
  Picture picture(header + scales * (tile + gap) + last_row + margin, picture_width);
  const auto place = [&](const std::string& label, int row, int column, Filter filter) {
    const int top = header + row * (tile + gap);
    const int left = label_width + column * (tile + gap);
    if (column == 0) picture.write(label, top + tile / 2 - 7, margin / 2, 2, black);
    picture.fill(top - 1, left - 1, tile + 2, tile + 2, light);
    picture.paste(draw(filter, tile), top, left);
  };
  picture.write("THETA", 20, margin / 2, 1, black);
  picture.write("DEGREES", 31, margin / 2, 1, black);
  for (int column = 0; column < columns; ++column) {
    const double degrees = bank.theta(angles[column]) * 180 / pi;
    write_centred(picture, fmt::format("{:.4g}", degrees), 22, label_width + column * (tile + gap) + tile / 2,
                  tile > 70 ? 2 : 1, black);
    for (int j = 0; j < scales; ++j)
      place(fmt::format("j={}", j), j, column, {.scale = j, .angle = angles[column]});
  }
  place(fmt::format("PHI{}", scales), scales, 0, {});
  int top = header + scales * (tile + gap) + 4;
  for (const auto& line : caption) {
    picture.write(line, top, label_width + tile + 24, 2, black);
    top += line_height;
  }
  return picture;
}

}  // namespace

Picture draw_frame(const LittlewoodPaley& sum, double gain) {
  constexpr int size = 448;
  constexpr int top = 56;
  auto map = draw_plane(size, [&](int row, int column) {
    const auto i = static_cast<std::size_t>(index_of_pixel(row, size, sum.height)) * sum.width +
                   index_of_pixel(column, size, sum.width);
    return diverging(sum.real(i, gain) - 1);
  });
  map.circle((size - 1) / 2.0, (size - 1) / 2.0, size / 2.0 - 1, black);
  Picture picture(top + size + 56, picture_width);
  picture.write("LITTLEWOOD-PALEY SUM", 20, margin, 2, black);
  picture.paste(map, top, margin);

  const int bar_left = margin + size + 18;
  for (int row = 0; row < size; ++row)
    picture.fill(top + row, bar_left, 1, 16, diverging(1 - 2.0 * row / size));
  for (int tick = 0; tick <= 4; ++tick) {
    picture.fill(top + tick * (size - 1) / 4, bar_left + 16, 1, 5, black);
    picture.write(fmt::format("{:.1f}", 2 - tick / 2.0), top + tick * (size - 14) / 4, bar_left + 26, 2,
                  black);
  }

  const int plot_left = bar_left + 16 + 124;
  const int plot_width = picture_width - plot_left - margin - 14;
  const auto bounds = real_bounds(sum, gain);
  picture.write(fmt::format("BY |W|  {:.3f} TO {:.3f}", bounds.lower, bounds.upper), 20, plot_left - 48, 2,
                black);
  draw_axes(picture, top, plot_left, size, plot_width);
  const auto curve = radial_curve(sum, std::max(8, std::min(sum.height, sum.width) / 4), gain);
  picture.write("MAX", top + 10, plot_left + plot_width - 44, 2, diverging(0.6));
  picture.write("MEAN", top + 30, plot_left + plot_width - 56, 2, black);
  picture.write("MIN", top + 50, plot_left + plot_width - 44, 2, diverging(-0.6));
  draw_curve(picture, curve.lowest, top, plot_left, size, plot_width, diverging(-0.6));
  draw_curve(picture, curve.highest, top, plot_left, size, plot_width, diverging(0.6));
  draw_curve(picture, curve.mean, top, plot_left, size, plot_width, black);
  return picture;
}

Picture draw_filters_in_space(const PeriodicBank& bank) {
  const auto& options = bank.options();
  // Two deviations of the largest wavelet where it is widest, across its wave.
  const double reach = 2 * options.sigma * std::exp2(options.scales - 1) * std::max(1.0, 1 / options.slant);
  const auto draw = [&](Filter filter, int size) {
    const auto function = filter.scale < 0
                              ? FilterInSpace::phi(options)
                              : FilterInSpace::psi(options, filter.scale, bank.theta(filter.angle));
    const auto place = [&](int pixel) { return reach * ((2.0 * pixel + 1) / size - 1); };
    const double peak = std::abs(function.at(0, 0));
    return draw_plane(
        size, [&](int row, int column) { return diverging(function.at(place(row), place(column)) / peak); });
  };
  return draw_gallery(bank,
                      {"REAL PART IN SPACE", "RED +  BLUE -  WHITE 0",
                       fmt::format("WINDOW {:.0f} X {:.0f} PIXELS", 2 * reach, 2 * reach)},
                      draw);
}

Picture draw_filters_in_frequency(const PeriodicBank& bank) {
  const auto draw = [&](Filter filter, int size) {
    const auto spectrum = filter.scale < 0 ? bank.phi() : bank.psi(filter.scale, filter.angle);
    double largest = 0;
    for (const double value : spectrum) largest = std::max(largest, std::abs(value));
    auto tile = draw_plane(size, [&](int row, int column) {
      const auto i = static_cast<std::size_t>(index_of_pixel(row, size, bank.height())) * bank.width() +
                     index_of_pixel(column, size, bank.width());
      return heat(std::abs(spectrum[i]) / largest);
    });
    tile.circle((size - 1) / 2.0, (size - 1) / 2.0, size / 2.0 - 1, grey);
    return tile;
  };
  return draw_gallery(
      bank, {"MODULUS IN FREQUENCY", "FROM -PI TO PI, ZERO IN THE MIDDLE", "CIRCLE OF RADIUS PI"}, draw);
}

Picture draw_blobs(const std::vector<Matrix2>& sigmas, int height, int width) {
  const int count = static_cast<int>(sigmas.size());
  constexpr int gap = 8;
  const int columns = std::min(count, 4);
  const int tile = (picture_width - gap) / columns - gap;
  const int rows = (count + columns - 1) / columns;
  Picture picture(gap + rows * (tile + gap), picture_width);
  for (int i = 0; i < count; ++i) {
    const auto blob = draw_blob(sigmas[i], height, width);
    const double largest = *std::ranges::max_element(blob);
    const auto drawn = draw_plane(tile, [&](int row, int column) {
      const double value =
          blob[static_cast<std::size_t>(row * height / tile) * width + column * width / tile];
      return grey_level(value / largest);
    });
    picture.paste(drawn, gap + i / columns * (tile + gap), gap + i % columns * (tile + gap));
  }
  return picture;
}

}  // namespace scatlight::analysis
