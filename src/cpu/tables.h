#pragma once

#include <cstddef>
#include <vector>

#include "core/filter_bank.h"
#include "core/geometry.h"
#include "cpu/aligned_vector.h"
#include "cpu/band.h"
#include "cpu/packing.h"
#include "cpu/path_groups.h"
#include "cpu/scratch.h"
#include "cpu/tiling.h"

namespace scatlight::cpu {

/// Everything that the kernels read: made once for a plan, the same for all targets but for the packing. "A
/// plane" is a pack of them where lanes are planes.
template <class T>
struct Tables {
  Tables(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank, Packing packing,
         Wavelets wavelets = Wavelets::Fixed);

  /// The same for other wavelets, of tables for given ones: only the filters are made.
  Tables with_wavelets(const FilterBank& bank) const;

  ScatteringOptions options;
  Geometry geometry;
  Packing packing;
  std::vector<Tiling<T>> tilings;      ///< by scales
  std::size_t spectra_size = 0;        ///< of a plane of the image: of all tiles of all tilings
  std::size_t strip_spectra_size = 0;  ///< the most that the tiles of a strip have
  int maps;                            ///< output maps of a plane
  AlignedVector<T> zero_row;           ///< of the image or of maps; of vectors if lanes are planes
  std::vector<Band<T>> modulus_bands;  ///< of |x * psi_j|, by j: order 2, whose only tile is the plane
  PathGroups<T> groups;
  ScratchSizes<T> scratch;

  /// Whether the plane of the image is not one tile for all wavelets.
  bool is_tiled() const { return tilings.size() > 1 || tilings[0].count() > 1; }
  const Level<T>& level_of(const PathGroup& group) const {
    return tilings[group.tiling].levels[geometry.level(group.scale)];
  }
  /// Of a map of order 0 or 1.
  int level_of(int map) const { return map == 0 ? 0 : geometry.level((map - 1) / options.angles); }
  const Tiling<T>& tiling_of(int map) const;
  /// Whether order 2 goes on from a path of order 1.
  bool has_second(const PathGroup& group) const {
    return options.max_order >= 2 && group.scale + 1 < options.scales;
  }

  /// Map numbers, which are places in paths_of(): of a group's first path, and of a path of order 2.
  int first_map(const PathGroup& group) const { return 1 + group.scale * options.angles + group.angle; }
  int second_map(int scale, int angle, int scale2, int angle2) const;

  /// On tiles, the partial maps that the strips give to map 0 and all maps of order 1 are held until all
  /// strips are there: (strips, Level::partial_rows, scratch.output_stride). These are the values before
  /// those of a map.
  std::size_t partials_begin(int map) const { return partials_begin_[map]; }
  std::size_t partials_size() const { return partials_begin_.back(); }

  /// The sums for the gradient of given wavelets are those of the image's band, of all tilings[0], then those
  /// of the bands of order 2 as often as there are PathGroups::sums. These are the values before those of a
  /// band.
  std::size_t image_sums_size() const {
    return tilings[0].image_band ? tilings[0].image_band->sums_size() : 0;
  }
  std::size_t modulus_sums_begin(int scale, int sum) const {
    return image_sums_size() + sum * modulus_sums_.back() + modulus_sums_[scale];
  }
  std::size_t wavelet_sums_size() const {
    return image_sums_size() + PathGroups<T>::sums * modulus_sums_.back();
  }

 private:
  std::vector<Band<T>> make_modulus_bands(const FilterBank& bank, Wavelets wavelets) const;
  std::vector<Tiling<T>> make_tilings(const FilterBank& bank, Wavelets wavelets) const;

  std::vector<std::size_t> partials_begin_;
  std::vector<std::size_t> modulus_sums_;  // before those of a band, by scales; at last of all
};

}  // namespace scatlight::cpu
