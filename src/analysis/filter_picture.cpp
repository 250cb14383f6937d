#include "analysis/filter_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>

namespace scatlight::analysis {
namespace {

using std::numbers::pi;
constexpr Color grey = {150, 150, 150};
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

/// A curve over |w| from 0 to pi, of values from 0 to 2, in a box. It is straight between its points and
/// level beyond them.
void draw_curve(Picture& picture, const std::vector<double>& radius, const std::vector<double>& values,
                int top, int left, int height, int width, Color color) {
  const auto row_at = [&](int column) {
    const double at = pi * column / width;
    const auto next = static_cast<std::size_t>(std::ranges::upper_bound(radius, at) - radius.begin());
    double value = values[next == 0 ? 0 : next - 1];
    if (next > 0 && next < values.size())
      value += (values[next] - value) * (at - radius[next - 1]) / (radius[next] - radius[next - 1]);
    return top + height - static_cast<int>(std::lround(std::clamp(value, 0.0, 2.0) / 2 * height));
  };
  for (int column = 0; column < width; ++column) {
    const int from = row_at(column);
    const int to = row_at(column + 1);
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

/// A gallery: a row for each scale, a column for each angle, then phi with a caption beside it. Under the
/// label of each row, phi's the last, stands its note.
Picture draw_gallery(const PeriodicBank& bank, const std::vector<std::string>& notes,
                     const std::vector<std::string>& caption,
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
    if (column == 0) {
      picture.write(label, top + tile / 2 - 14, margin / 2, 2, black);
      picture.write(notes[static_cast<std::size_t>(row)], top + tile / 2 + 6, margin / 2, 1, black);
    }
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
  draw_curve(picture, curve.radius, curve.lowest, top, plot_left, size, plot_width, diverging(-0.6));
  draw_curve(picture, curve.radius, curve.highest, top, plot_left, size, plot_width, diverging(0.6));
  draw_curve(picture, curve.radius, curve.mean, top, plot_left, size, plot_width, black);
  return picture;
}

Picture draw_filters_in_space(const PeriodicBank& bank) {
  const auto& options = bank.options();
  // Half the window of scale j, in samples: two deviations, across its wave, of the wavelet two scales up.
  // Three scales share one window, and one sees them grow; of more, the finest would be too small to see.
  const auto reach = [&](int scale) {
    const int shown = std::min(scale + 2, options.scales - 1);
    return 2 * options.sigma * std::exp2(shown) * std::max(1.0, 1 / options.slant);
  };
  const auto draw = [&](Filter filter, int size) {
    const bool is_phi = filter.scale < 0;
    const auto function = is_phi ? FilterInSpace::phi(options)
                                 : FilterInSpace::psi(options, filter.scale, bank.theta(filter.angle));
    const double half = reach(is_phi ? options.scales - 1 : filter.scale);
    const auto place = [&](int pixel) { return half * ((2.0 * pixel + 1) / size - 1); };
    const double peak = std::abs(function.at(0, 0));
    return draw_plane(
        size, [&](int row, int column) { return diverging(function.at(place(row), place(column)) / peak); });
  };
  std::vector<std::string> notes;
  for (int row = 0; row <= options.scales; ++row)
    notes.push_back(fmt::format("{:.0f} PX", 2 * reach(std::min(row, options.scales - 1))));
  return draw_gallery(bank, notes,
                      {"REAL PART IN SPACE", "RED +  BLUE -  WHITE 0", "PX = WIDTH OF THE WINDOWS"}, draw);
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
  const std::vector<std::string> notes(static_cast<std::size_t>(bank.options().scales) + 1);
  return draw_gallery(bank, notes,
                      {"MODULUS IN FREQUENCY", "FROM -PI TO PI, ZERO IN THE MIDDLE", "CIRCLE OF RADIUS PI"},
                      draw);
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
