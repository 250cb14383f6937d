#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/filter_bank.h"
#include "core/geometry.h"
#include "cpu/band.h"
#include "cpu/image_source.h"
#include "cpu/level.h"
#include "cpu/packing.h"
#include "cpu/tiles.h"

namespace scatlight::cpu {

/// The core of a tile, in samples of a level's plane.
struct Core {
  int top;
  int left;
  int height;
  int width;
};

/// Everything about the wavelets of some scales and the tiles on which they are computed.
template <class T>
struct Tiling {
  Tiling(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank,
         const Tiles& tiles, Packing packing, Wavelets wavelets);

  Tiles tiles;
  std::vector<Level<T>> levels;
  std::optional<Band<T>> image_band;                   ///< of a tile of the image; none for max_order 0
  std::vector<std::vector<std::int32_t>> row_sources;  ///< of each row of tiles: as Axis::sources
  std::vector<ColumnSources> column_sources;           ///< of each column of tiles
  std::size_t spectra_begin = 0;  ///< of (tiles, spectrum_size) values in the spectra of a plane

  int count() const { return tiles.count(); }
  /// Of a tile's planes at level 0, if they are inverted by such a plan.
  const std::optional<VectorRadixPlan>& vector_radix() const { return image_band->vector_radix; }
  /// Tiles side by side are a strip.
  int strips() const { return tiles.rows.count; }
  int tile(int strip, int column) const { return strip * tiles.columns.count + column; }
  std::size_t spectrum_size() const { return image_band ? image_band->size : 0; }
  std::size_t spectrum_offset(int tile) const { return spectra_begin + tile * spectrum_size(); }
  const std::vector<std::int32_t>& rows_of(int tile) const { return row_sources[tile / tiles.columns.count]; }
  const ColumnSources& columns_of(int tile) const { return column_sources[tile % tiles.columns.count]; }
  Core core(int tile, int level) const {
    const int row = tile / tiles.columns.count;
    const int column = tile % tiles.columns.count;
    return {.top = tiles.rows.begin(row) >> level,
            .left = tiles.columns.begin(column) >> level,
            .height = (tiles.rows.end(row) - tiles.rows.begin(row)) >> level,
            .width = (tiles.columns.end(column) - tiles.columns.begin(column)) >> level};
  }
  /// Whether a tile is the first or the last of those side by side.
  bool is_first(int tile) const { return tile % tiles.columns.count == 0; }
  bool is_last(int tile) const { return (tile + 1) % tiles.columns.count == 0; }
};

}  // namespace scatlight::cpu
