#include "cpu/tables.h"

#include <algorithm>
#include <limits>

namespace scatlight::cpu {

template <class T>
Tables<T>::Tables(const ScatteringOptions& resolved, const Geometry& given, const FilterBank& bank,
                  Packing packing)
    : options(resolved),
      geometry(given),
      packing(packing),
      tilings(make_tilings(bank)),
      maps(static_cast<int>(count_maps(resolved))),
      zero_row(round_up(resolved.width, packing.block_size) * (packing.block_size == 1 ? packing.lanes : 1)),
      modulus_bands(make_modulus_bands(bank)),
      groups(resolved, given, tilings),
      scratch(resolved, given, tilings, modulus_bands, packing) {
  for (auto& tiling : tilings) {
    tiling.spectra_begin = spectra_size;
    spectra_size += tiling.count() * tiling.spectrum_size();
    strip_spectra_size = std::max(strip_spectra_size, tiling.tiles.columns.count * tiling.spectrum_size());
  }
  std::size_t begin = 0;
  const auto add_partials = [&](const Tiling<T>& tiling, int level) {
    partials_begin_.push_back(begin);
    begin += tiling.strips() * tiling.levels[level].partial_rows * scratch.output_stride;
  };
  add_partials(tilings[0], 0);
  for (const auto& tiling : tilings) {
    for (int scale = tiling.tiles.first_scale; scale < tiling.tiles.end_scale; ++scale) {
      for (int angle = 0; angle < options.angles; ++angle) add_partials(tiling, geometry.level(scale));
    }
  }
  partials_begin_.push_back(begin);
}

template <class T>
std::vector<Tiling<T>> Tables<T>::make_tilings(const FilterBank& bank) const {
  const SampleType sample_type = {
      .epsilon = std::numeric_limits<T>::epsilon(), .bytes = static_cast<int>(sizeof(T)), .packing = packing};
  std::vector<Tiling<T>> list;
  for (const auto& tiles : choose_tiles(options, geometry, sample_type))
    list.emplace_back(options, geometry, bank, tiles, packing);
  return list;
}

template <class T>
std::vector<Band<T>> Tables<T>::make_modulus_bands(const FilterBank& bank) const {
  std::vector<Band<T>> bands;
  if (options.max_order < 2) return bands;
  for (int scale = 0; scale + 1 < options.scales; ++scale) {
    bands.emplace_back(bank, geometry, tilings[0].levels, options, geometry.level(scale), scale + 1,
                       options.scales, std::nullopt, packing);
  }
  return bands;
}

template <class T>
const Tiling<T>& Tables<T>::tiling_of(int map) const {
  const int scale = std::max(0, map - 1) / options.angles;
  return *std::ranges::find_if(tilings, [&](const auto& tiling) { return scale < tiling.tiles.end_scale; });
}

template <class T>
int Tables<T>::second_map(int scale, int angle, int scale2, int angle2) const {
  return static_cast<int>(map_index(options, {2, scale, angle, scale2, angle2}));
}

template struct Tables<float>;
template struct Tables<double>;

}  // namespace scatlight::cpu
