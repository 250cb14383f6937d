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

}  // namespace

template <class T>
LowPass<T>::LowPass(const FilterBank& bank, const Axis& axis, const Geometry& geometry, int level)
    : step(1 << (geometry.output_level - level)), border(geometry.output_border) {
  const auto kernel = kernel_of(bank.phi(axis, level));
  const int length = static_cast<int>(kernel.size());
  const auto at = [&](int n) { return kernel[(n % length + length) % length]; };

  double total = 0;
  for (double value : kernel) total += std::abs(value);
  const double negligible = total * std::numeric_limits<T>::epsilon() / 2;
  radius = length / 2;
  double tail = 0;
  while (radius > 0) {
    tail += std::abs(at(radius)) + std::abs(at(-radius));
    if (tail > negligible) break;
    --radius;
  }
  const int taps = std::min(2 * radius + 1, length);
  for (int t = 0; t < taps; ++t) weights.push_back(static_cast<T>(at(t - radius)));
}

template <class T>
FoldedFilters<T>::FoldedFilters(const FilterBank& bank, const Geometry& geometry, int scale, int first_angle,
                                int angles, int from_level, int to_level, std::span<const std::int32_t> order,
                                std::int64_t spectrum_stride, int spare) {
  const int from_height = geometry.rows.padded >> from_level;
  const int from_width = geometry.columns.padded >> from_level;
  const int height = geometry.rows.padded >> to_level;
  const int width = geometry.columns.padded >> to_level;
  const double share = 1.0 / (static_cast<double>(from_height) * from_width);
  // The peak of psi is about 1.
  const double negligible = std::numeric_limits<T>::epsilon() / 64;

  std::vector<WaveletSpectrum> wavelets;
  for (int angle = 0; angle < angles; ++angle) wavelets.push_back(bank.wavelet(scale, first_angle + angle));
  std::vector<double> whole(geometry.rows.padded);
  // All columns that fold onto one: (blocks of columns, angles, height).
  std::vector<double> candidates(static_cast<std::size_t>(from_width / width) * angles * from_height);
  for (int column = 0; column < width; ++column) {
    begin.push_back(static_cast<std::int32_t>(parts.size()));
    for (int from_column = column; from_column < from_width; from_column += width) {
      double* at = &candidates[static_cast<std::size_t>(from_column / width) * angles * from_height];
      for (int angle = 0; angle < angles; ++angle, at += from_height) {
        bank.psi_column(wavelets[angle], from_level, from_column, whole, std::span(at, from_height));
      }
    }
    // The parts that matter, and where they stand in the candidates.
    std::vector<const double*> kept;
    for (int from_column = column; from_column < from_width; from_column += width) {
      for (int from_row = 0; from_row < from_height; from_row += height) {
        const double* part =
            &candidates[static_cast<std::size_t>(from_column / width) * angles * from_height + from_row];
        double largest = 0;
        for (int angle = 0; angle < angles; ++angle) {
          for (int row = 0; row < height; ++row) {
            largest = std::max(largest, std::abs(part[static_cast<std::size_t>(angle) * from_height + row]));
          }
        }
        if (largest < negligible) continue;
        parts.push_back({from_column, from_row, from_column * spectrum_stride + from_row});
        kept.push_back(part);
      }
    }
    for (const int row : order) {
      for (const double* part : kept) {
        for (int angle = 0; angle < angles; ++angle) {
          values.push_back(static_cast<T>(part[static_cast<std::size_t>(angle) * from_height + row] * share));
        }
      }
    }
  }
  begin.push_back(static_cast<std::int32_t>(parts.size()));
  values.resize(values.size() + spare, T{0});
  values.shrink_to_fit();
}

template <class T>
Level<T>::Level(const FilterBank& bank, const Geometry& geometry, int level)
    : height(geometry.rows.padded >> level),
      width(geometry.columns.padded >> level),
      along_columns(height),
      along_rows(width),
      column_position(width),
      vertical(bank, geometry.rows, geometry, level),
      horizontal(bank, geometry.columns, geometry, level) {
  for (int position = 0; position < width; ++position) column_position[along_rows.input[position]] = position;
}

template <class T>
Tables<T>::Tables(const ScatteringOptions& resolved, const Geometry& given, const FilterBank& bank, int lanes)
    : options(resolved),
      geometry(given),
      row_sources(given.rows.sources(resolved.boundary)),
      column_sources(given.columns.sources(resolved.boundary)),
      maps(static_cast<int>(make_paths(resolved).size())) {
  for (int level = 0; level <= geometry.output_level; ++level) levels.emplace_back(bank, geometry, level);

  lay_out_room(static_cast<std::size_t>(lanes));
  packs = (options.angles + lanes - 1) / lanes;
  if (options.max_order >= 1) {
    for (int j = 0; j < options.scales; ++j) {
      for (int first = 0; first < options.angles; first += lanes) {
        first_filters_.emplace_back(bank, geometry, j, first, std::min(lanes, options.angles - first), 0,
                                    geometry.level(j), levels[geometry.level(j)].along_columns.input,
                                    static_cast<std::int64_t>(spectrum_stride), lanes);
      }
    }
  }
  if (options.max_order >= 2) {
    second_filters_.resize(levels.size() * options.scales * options.angles);
    for (int j = 1; j < options.scales; ++j) {
      // Signals of a scale below j come at these levels.
      for (int level = 0; level <= geometry.level(j - 1); ++level) {
        for (int theta = 0; theta < options.angles; ++theta) {
          second_filters_[(static_cast<std::size_t>(level) * options.scales + j) * options.angles + theta] =
              FoldedFilters<T>(bank, geometry, j, theta, 1, level, geometry.level(j),
                               levels[geometry.level(j)].along_columns.input, 0, 0);
        }
      }
    }
  }
}

template <class T>
void Tables<T>::lay_out_room(std::size_t lanes) {
  const std::size_t height = levels[0].height;
  const std::size_t width = levels[0].width;
  const std::size_t element = 2 * lanes;
  std::size_t longest = 0;
  std::size_t work = 0;
  std::size_t margins = 0;
  for (const auto& level : levels) {
    for (const auto* plan : {&level.along_columns, &level.along_rows}) {
      longest = std::max<std::size_t>(longest, plan->length);
      work = std::max(work, plan->work_elements());
    }
    margins = std::max<std::size_t>(margins, 2 * level.horizontal.radius);
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
  room.work = place(work * element);
  room.modulus = place((width + margins) * lanes);
  room.averages = place(rows_at_once * output_width * lanes);
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
  room.averaged = place(width * room.averaged_stride);
  room.plane_line = place(longest * element);
  room.plane_work = place(work * element);
  room.plane_size = end;

  spectrum_stride = std::max(height, room.turned_stride);
}

template struct LowPass<float>;
template struct LowPass<double>;
template struct FoldedFilters<float>;
template struct FoldedFilters<double>;
template struct Level<float>;
template struct Level<double>;
template struct Tables<float>;
template struct Tables<double>;

}  // namespace scatlight::cpu
