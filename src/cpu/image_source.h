#pragma once

#include <cstdint>
#include <vector>

#include "core/geometry.h"
#include "cpu/tiles.h"

namespace scatlight::cpu {

/// The row or column of the image that each of a tile has, as Axis::sources.
std::vector<std::int32_t> sources_of(const Axis& axis, const TileAxis& tiles, int tile, Boundary boundary);

/// The columns of the image that a tile has.
struct ColumnSources {
  explicit ColumnSources(const std::vector<std::int32_t>& sources);

  /// Columns that stand side by side in the image too. Each column of the image is in one run at most.
  struct Run {
    std::int32_t begin;   ///< in the tile
    std::int32_t source;  ///< in the image
    std::int32_t length;
  };
  /// A column that repeats one of a run.
  struct Repeat {
    std::int32_t column;
    std::int32_t of;
  };
  std::vector<Run> runs;
  std::vector<Repeat> repeats;
  std::vector<std::int32_t> zeros;  ///< columns of no sample
};

}  // namespace scatlight::cpu
