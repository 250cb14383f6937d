#include "cpu/tiling.h"

namespace scatlight::cpu {

template <class T>
Tiling<T>::Tiling(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank,
                  const Tiles& tiles, Packing packing, Wavelets wavelets)
    : tiles(tiles) {
  const int last_level = tiles.end_scale > 0 ? geometry.level(tiles.end_scale - 1) : 0;
  for (int level = 0; level <= last_level; ++level)
    levels.emplace_back(bank, geometry, tiles, level, packing);
  for (int tile = 0; tile < tiles.rows.count; ++tile)
    row_sources.push_back(sources_of(geometry.rows, tiles.rows, tile, resolved.boundary));
  for (int tile = 0; tile < tiles.columns.count; ++tile)
    column_sources.emplace_back(sources_of(geometry.columns, tiles.columns, tile, resolved.boundary));
  if (resolved.max_order < 1) return;
  Geometry of_tile = geometry;
  of_tile.rows.padded = tiles.rows.length;
  of_tile.columns.padded = tiles.columns.length;
  // Order 2 goes on from rows in their natural order; phi_J by spectra takes two blocks of them at a time.
  const auto& finest = levels[0];
  std::optional<VectorRadixPlan> vector_radix;
  if (resolved.max_order == 1 && geometry.level(tiles.first_scale) == 0 && !finest.horizontal.spectral &&
      VectorRadixPlan::fits(finest.height, finest.width, packing))
    vector_radix.emplace(finest.height, finest.width);
  image_band.emplace(bank.on(of_tile), geometry, levels, resolved, 0, tiles.first_scale, tiles.end_scale,
                     vector_radix, packing, wavelets);
}

template struct Tiling<float>;
template struct Tiling<double>;

}  // namespace scatlight::cpu
