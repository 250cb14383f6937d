#include "cuda/filters.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

namespace scatlight::cuda {
namespace {

// A wavelet as it is applied to planes of a level, row by row.
struct Spectrum {
  Spectrum(const FilterBank& bank, int scale, int angle, const LevelTable& level, int level_number,
           int padded_height)
      : width(level.width), values(static_cast<std::size_t>(level.width) * level.height) {
    const auto wavelet = bank.wavelet(scale, angle);
    std::vector<double> whole(padded_height);
    std::vector<double> of_column(level.height);
    for (int column = 0; column < width; ++column) {
      bank.psi_column(wavelet, level_number, column, whole, of_column);
      for (int row = 0; row < level.height; ++row) {
        values[static_cast<std::size_t>(row) * width + column] = of_column[row];
        peak = std::max(peak, std::abs(of_column[row]));
      }
    }
  }

  // `count` values of a row, from a column on.
  std::span<const double> row(int row, int column, int count) const {
    return std::span(values).subspan(static_cast<std::size_t>(row) * width + column, count);
  }

  int width;
  std::vector<double> values;
  double peak = 0;  // the largest magnitude
};

// The rows first ... last - 1 of the part at (row, column) that are not negligible.
template <class T>
std::pair<int, int> used_rows(const Spectrum& spectrum, int row, int column, const LevelTable& part) {
  const double negligible = spectrum.peak * std::numeric_limits<T>::epsilon() / 8;
  const auto is_used = [&](int r) {
    return std::ranges::any_of(spectrum.row(row + r, column, part.width),
                               [&](double value) { return std::abs(value) >= negligible; });
  };
  int first = 0;
  int last = part.height;
  while (first < last && !is_used(first)) ++first;
  while (last > first && !is_used(last - 1)) --last;
  return {first, last};
}

}  // namespace

template <class T>
ScaleFilters Filters<T>::add_scale(const Tables<T>& tables, const FilterBank& bank, int level, int scale,
                                   bool all_parts) {
  const auto& from = tables.levels[level];
  const auto& to = tables.level_of(scale);
  std::vector<Spectrum> spectra;
  spectra.reserve(tables.options.angles);
  for (int angle = 0; angle < tables.options.angles; ++angle)
    spectra.emplace_back(bank, scale, angle, from, level, tables.geometry.rows.padded);
  const double share = 1.0 / (static_cast<double>(from.height) * from.width);
  ScaleFilters filters{
      .count = 0, .first_place = std::ssize(places), .first_part = std::ssize(parts), .whole = false};
  for (int row = 0; row < from.height; row += to.height) {
    for (int column = 0; column < from.width; column += to.width) {
      const auto first_part = parts.size();
      bool is_used = all_parts;
      for (const auto& spectrum : spectra) {
        const auto [first, last] = used_rows<T>(spectrum, row, column, to);
        parts.push_back({first, last - first, std::ssize(values)});
        is_used = is_used || last > first;
        for (int r = first; r < last; ++r) {
          for (const double value : spectrum.row(row + r, column, to.width))
            values.push_back(static_cast<T>(value * share));
        }
      }
      if (!is_used) {
        parts.resize(first_part);
        continue;
      }
      places.insert(places.end(), {row, column});
      ++filters.count;
    }
  }
  filters.whole =
      from.height == to.height && std::all_of(parts.begin() + filters.first_part, parts.end(),
                                              [&](const FilterPart& part) { return part.rows == to.height; });
  return filters;
}

template <class T>
Band Filters<T>::make_band(const Tables<T>& tables, const FilterBank& bank, int level, int first_scale) {
  Band band{.level = level, .first_scale = first_scale, .scales = {}};
  for (int scale = first_scale; scale < tables.options.scales; ++scale) {
    // The gradient of the spectrum is written first by the first scale, all of it.
    band.scales.push_back(add_scale(tables, bank, level, scale, scale == first_scale));
  }
  return band;
}

template <class T>
Filters<T>::Filters(const Tables<T>& tables, const FilterBank& bank) {
  const auto& options = tables.options;
  if (options.max_order >= 1) bands.push_back(make_band(tables, bank, 0, 0));
  if (options.max_order >= 2) {
    for (int scale = 0; scale + 1 < options.scales; ++scale)
      bands.push_back(make_band(tables, bank, tables.geometry.level(scale), scale + 1));
  }
}

template struct Filters<float>;
template struct Filters<double>;

}  // namespace scatlight::cuda
