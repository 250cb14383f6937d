#include "cpu/tables.h"

#include <algorithm>
#include <limits>

namespace scatlight::cpu {

template <class T>
Tables<T>::Tables(const ScatteringOptions& resolved, const Geometry& given, const FilterBank& bank,
                  Packing packing, Wavelets wavelets)
    : options(resolved),
      geometry(given),
      packing(packing),
      tilings(make_tilings(bank, wavelets)),
      maps(static_cast<int>(count_maps(resolved))),
      zero_row(round_up(resolved.width, packing.block_size) * (packing.block_size == 1 ? packing.lanes : 1)),
      modulus_bands(make_modulus_bands(bank, wavelets)),
      groups(resolved, given, tilings),
      scratch(resolved, given, tilings, modulus_bands, packing) {
  for (auto& tiling : tilings) {
    tiling.spectra_begin = spectra_size;
    spectra_size += tiling.count() * tiling.spectrum_size();
    strip_spectra_size = std::max(strip_spectra_size, tiling.tiles.columns.count * tiling.spectrum_size());
  }
  modulus_sums_.push_back(0);
  for (const auto& band : modulus_bands) modulus_sums_.push_back(modulus_sums_.back() + band.sums_size());
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
Tables<T> Tables<T>::with_wavelets(const FilterBank& bank) const {
  auto tables = *this;
  if (auto& band = tables.tilings[0].image_band) band->make_filters(bank, geometry);
  for (auto& band : tables.modulus_bands) band.make_filters(bank, geometry);
  tables.groups.find_filters(tables.tilings);
  return tables;
}

template <class T>
std::vector<Tiling<T>> Tables<T>::make_tilings(const FilterBank& bank, Wavelets wavelets) const {
  const SampleType sample_type = {
      .epsilon = std::numeric_limits<T>::epsilon(), .bytes = static_cast<int>(sizeof(T)), .packing = packing};
  std::vector<Tiling<T>> list;
  const auto chosen = wavelets == Wavelets::Fixed ? choose_tiles(options, geometry, sample_type)
                                                  : std::vector{whole_plane(options, geometry)};
  list.reserve(chosen.size());
  for (const auto& tiles : chosen) list.emplace_back(options, geometry, bank, tiles, packing, wavelets);
  return list;
}

template <class T>
std::vector<Band<T>> Tables<T>::make_modulus_bands(const FilterBank& bank, Wavelets wavelets) const {
  std::vector<Band<T>> bands;
  if (options.max_order < 2) return bands;
  for (int scale = 0; scale + 1 < options.scales; ++scale) {
    bands.emplace_back(bank, geometry, tilings[0].levels, options, geometry.level(scale), scale + 1,
                       options.scales, std::nullopt, packing, wavelets);
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
