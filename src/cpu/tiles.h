#pragma once

#include <cstdint>
#include <vector>

#include "core/geometry.h"
#include "cpu/packing.h"

namespace scatlight::cpu {

/// One axis of a padded plane, cut into tiles. The samples that a tile is there for, its core, stand at its
/// beginning; around the core it has a halo as wide as wavelets reach, so that they do not see the seam. A
/// tile wraps around, as everything that goes through a DFT: the halo after the core follows it, and the halo
/// before it stands at the tile's end. One tile may be the plane itself, which wraps around as it is.
struct TileAxis {
  int plane;   ///< samples of the padded plane
  int length;  ///< of a tile, and so of the transforms
  int core;    ///< samples from one tile to the next
  int count;

  int begin(int tile) const { return tile * core; }
  int end(int tile) const { return tile + 1 < count ? begin(tile) + core : plane; }
  /// The position in the plane of each sample of a tile.
  std::vector<std::int32_t> positions(int tile) const;
};

/// The tiles of all wavelets of some scales.
struct Tiles {
  int first_scale;
  int end_scale;
  TileAxis rows;
  TileAxis columns;

  int count() const { return rows.count * columns.count; }
};

/// One tile for all wavelets: the padded plane.
Tiles whole_plane(const ScatteringOptions& resolved, const Geometry& geometry);

/// The samples of an engine.
struct SampleType {
  double epsilon;  ///< relative precision
  int bytes;       ///< of a real number
  Packing packing;
};

/// The tiles on which the transform is expected to take the least time; together they have all scales. Order
/// 2 gets the plane itself: the spectra of its wavelets are cut at the Nyquist frequency, and what is cut
/// reaches everywhere.
std::vector<Tiles> choose_tiles(const ScatteringOptions& resolved, const Geometry& geometry,
                                const SampleType& sample_type);

}  // namespace scatlight::cpu
