#include "cpu/tables.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace scatlight::cpu {
namespace {

std::size_t round_up(std::size_t value, std::size_t step) { return (value + step - 1) / step * step; }

// The kernel in space of a real and even spectrum, value n at index n.
std::vector<double> kernel_of(const std::vector<double>& spectrum) {
  const int length = static_cast<int>(spectrum.size());
  std::vector<Fft::Complex> values(spectrum.begin(), spectrum.end());
  std::vector<Fft::Complex> transformed(length);
  Fft(length).forward(values.data(), 1, transformed.data());
  std::vector<double> kernel(length);
  std::transform(transformed.begin(), transformed.end(), kernel.begin(),
                 [length](auto z) { return z.real() / length; });
  return kernel;
}

// (height, width) row-major to (width, height), scaled.
template <class T, class Store>
void transpose(const std::vector<double>& plane, int height, int width, const Store& store) {
  const double scale = 1.0 / (static_cast<double>(height) * width);
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      store(static_cast<std::size_t>(column) * height + row,
            static_cast<T>(plane[static_cast<std::size_t>(row) * width + column] * scale));
    }
  }
}

}  // namespace

template <class T>
LowPass<T>::LowPass(const FilterBank& bank, const Axis& axis, const Geometry& geometry, int level) {
  const auto kernel = kernel_of(bank.phi(axis, level));
  const int length = static_cast<int>(kernel.size());
  const auto at = [&](int n) { return kernel[(n % length + length) % length]; };

  double total = 0;
  for (double value : kernel) total += std::abs(value);
  const double negligible = total * std::numeric_limits<T>::epsilon() / 2;
  int radius = length / 2;
  double tail = 0;
  while (radius > 0) {
    tail += std::abs(at(radius)) + std::abs(at(-radius));
    if (tail > negligible) break;
    --radius;
  }
  const int taps = std::min(2 * radius + 1, length);
  for (int t = 0; t < taps; ++t) weights.push_back(static_cast<T>(at(t - radius)));
  const int step = 1 << (geometry.output_level - level);
  for (int output = 0; output < axis.output; ++output) {
    const int centre = (output + geometry.output_border) * step;
    first.push_back((centre - radius + length) % length);
  }
}

template <class T>
Level<T>::Level(const FilterBank& bank, const Geometry& geometry, int level)
    : height(geometry.rows.padded >> level),
      width(geometry.columns.padded >> level),
      along_columns(height),
      along_rows(width),
      vertical(bank, geometry.rows, geometry, level),
      horizontal(bank, geometry.columns, geometry, level) {}

template <class T>
Tables<T>::Tables(const ScatteringOptions& resolved, const Geometry& given, const FilterBank& bank, int lanes)
    : options(resolved),
      geometry(given),
      row_sources(given.rows.sources(resolved.boundary)),
      column_sources(given.columns.sources(resolved.boundary)),
      maps(static_cast<int>(make_paths(resolved).size())) {
  for (int level = 0; level <= geometry.output_level; ++level) levels.emplace_back(bank, geometry, level);

  const int height = geometry.rows.padded;
  const int width = geometry.columns.padded;
  const int angles = options.angles;
  if (options.max_order >= 1) {
    for (int j = 0; j < options.scales; ++j) {
      auto& filters = first_filters.emplace_back(static_cast<std::size_t>(height) * width * angles + lanes);
      for (int theta = 0; theta < angles; ++theta) {
        transpose<T>(bank.psi(j, theta, 0), height, width,
                     [&](std::size_t index, T value) { filters[index * angles + theta] = value; });
      }
    }
  }
  if (options.max_order >= 2) {
    second_filters.resize(levels.size() * options.scales * angles);
    for (int j = 1; j < options.scales; ++j) {
      // Signals of a scale below j come at these levels.
      for (int level = 0; level <= geometry.level(j - 1); ++level) {
        for (int theta = 0; theta < angles; ++theta) {
          auto& filter =
              second_filters[(static_cast<std::size_t>(level) * options.scales + j) * angles + theta];
          filter.resize(static_cast<std::size_t>(levels[level].height) * levels[level].width);
          transpose<T>(bank.psi(j, theta, level), levels[level].height, levels[level].width,
                       [&](std::size_t index, T value) { filter[index] = value; });
        }
      }
    }
  }
  lay_out_room(static_cast<std::size_t>(lanes));
}

template <class T>
void Tables<T>::lay_out_room(std::size_t lanes) {
  const std::size_t height = levels[0].height;
  const std::size_t width = levels[0].width;
  const std::size_t element = 2 * lanes;
  std::size_t longest = 0;
  std::size_t work = 0;
  std::size_t taps = 0;
  for (const auto& level : levels) {
    for (const auto* plan : {&level.along_columns, &level.along_rows}) {
      longest = std::max<std::size_t>(longest, plan->length);
      work = std::max(work, plan->work_elements());
    }
    taps = std::max<std::size_t>(taps, level.horizontal.taps());
  }
  const bool second_order = options.max_order >= 2;
  const std::size_t output_height = geometry.rows.output;
  const std::size_t output_width = geometry.columns.output;

  std::size_t end = 0;
  const auto place = [&](std::size_t values) {
    const auto at = end;
    end += round_up(values, 64);  // whole cache lines, whatever T is
    return at;
  };
  room.row_stride = (width | 1) * element;
  room.half_stride = (height | 1) * element;
  room.plane = place(height * room.row_stride);
  room.line = place(longest * element);
  room.work = place(work * element);
  room.modulus = place((width + taps) * lanes);
  room.averages = place(output_width * lanes);
  room.sums = place(output_height * output_width * lanes);
  room.row_pair = place(second_order ? width * element : 0);
  room.half_spectrum = place(second_order ? (width / 2 + 1) * room.half_stride : 0);
  room.group_size = end;

  end = 0;
  room.padded_stride = round_up(width, 2 * lanes);
  room.padded = place(height * room.padded_stride);
  room.turned_stride = round_up(height / 2 + 1, lanes);
  room.turned = place(2 * room.padded_stride * room.turned_stride);
  room.averaged_stride = round_up(output_height, lanes);
  room.averaged = place((width + taps) * room.averaged_stride);
  room.plane_line = place(longest * element);
  room.plane_work = place(work * element);
  room.plane_size = end;

  spectrum_stride = std::max(height, room.turned_stride);
}

template struct LowPass<float>;
template struct LowPass<double>;
template struct Level<float>;
template struct Level<double>;
template struct Tables<float>;
template struct Tables<double>;

}  // namespace scatlight::cpu
