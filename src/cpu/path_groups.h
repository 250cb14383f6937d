#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "core/geometry.h"
#include "cpu/band.h"
#include "cpu/tiling.h"

namespace scatlight::cpu {

/// Consecutive angles of one scale, transformed together: as many as have planes that fit where one of the
/// finest level does. Their spectrum is read once.
struct PathGroup {
  int tiling;
  int scale;
  int angle;  ///< the first
  int count;
  Inversion inversion;                              ///< of their planes
  std::vector<std::span<const std::byte>> filters;  ///< of order 1: the memory of their values
};

/// Which paths are transformed together, and by whom.
template <class T>
struct PathGroups {
  /// Tells the tilings' bands which of the sums each of their spectra is in.
  PathGroups(const ScatteringOptions& resolved, const Geometry& geometry, std::vector<Tiling<T>>& tilings);

  /// Tells the groups where the filters are that the tilings have now.
  void find_filters(const std::vector<Tiling<T>>& tilings);

  /// All (j, theta) of order 1, if asked for. Groups of one path at scales from which order 2 goes on, and on
  /// several tiles.
  std::vector<PathGroup> first;
  /// Those of order 2 below the paths of scale j, by j: of one path each, as what a path of order 2 reads and
  /// writes (a folded spectrum and its gradient, filters, a plane) fills the L2 cache where planes are
  /// large.
  std::vector<std::vector<PathGroup>> second;

  /// The gradients that groups give to the image's spectra are added up in this many sums, of consecutive
  /// groups that take about the same time: each by one thread, so that the result does not depend on how many
  /// there are.
  static constexpr int sums = 2;
  std::array<std::size_t, sums + 1> sum_begin = {};  ///< its first group, and the end of all

 private:
  void deal(const Geometry& geometry, std::vector<Tiling<T>>& tilings);
};

}  // namespace scatlight::cpu
