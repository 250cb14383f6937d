#include "cuda/filters.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace scatlight::cuda {
namespace {

// A wavelet as it is applied to planes of a level.
struct Spectrum {
  Spectrum(const FilterBank& bank, int scale, int angle, const LevelTable& level, int level_number,
           int padded_height)
      : height(level.height), values(static_cast<std::size_t>(level.width) * level.height) {
    const auto wavelet = bank.wavelet(scale, angle);
    std::vector<double> whole(padded_height);
    for (int column = 0; column < level.width; ++column) {
      bank.psi_column(wavelet, level_number, column, whole,
                      std::span(values).subspan(static_cast<std::size_t>(column) * height, height));
    }
    for (const double value : values) peak = std::max(peak, std::abs(value));
  }

  double at(int row, int column) const { return values[static_cast<std::size_t>(column) * height + row]; }

  int height;
  std::vector<double> values;  // column by column
  double peak = 0;             // the largest magnitude
};

// The rows first ... last - 1 of the part at (row, column) that are not negligible.
template <class T>
std::pair<int, int> used_rows(const Spectrum& spectrum, int row, int column, const LevelTable& part) {
  const double negligible = spectrum.peak * std::numeric_limits<T>::epsilon() / 8;
  const auto is_used = [&](int r) {
    for (int c = 0; c < part.width; ++c) {
      if (std::abs(spectrum.at(row + r, column + c)) >= negligible) return true;
    }
    return false;
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
          for (int c = 0; c < to.width; ++c)
            values.push_back(static_cast<T>(spectrum.at(row + r, column + c) * share));
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
