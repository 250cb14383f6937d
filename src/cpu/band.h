#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/filter_bank.h"
#include "core/geometry.h"
#include "cpu/folded_filter.h"
#include "cpu/folding.h"
#include "cpu/level.h"
#include "cpu/packing.h"
#include "cpu/vector_radix.h"

namespace scatlight::cpu {

/// How the planes of a path are transformed back from their spectra: columns, then rows; or by a
/// VectorRadixPlan, for which spectra and filters are stored in its own order.
enum class Inversion { RowColumn, VectorRadix };

/// The wavelets of the options, or any others: then whole planes are one tile, and all of their spectra is
/// kept, as the gradient with respect to a wavelet needs it where the wavelet itself is negligible.
enum class Wavelets { Fixed, Given };

/// The spectra of signals at one level, folded to each level that the wavelets of coarser (or, for images,
/// all) scales need, and these wavelets.
template <class T>
struct Band {
  /// `vector_radix` is the plan of the finest level's planes, if they have one.
  Band(const FilterBank& bank, const Geometry& geometry, const std::vector<Level<T>>& levels,
       const ScatteringOptions& options, int level, int first_scale, int end_scale,
       const std::optional<VectorRadixPlan>& vector_radix, Packing packing, Wavelets wavelets);

  /// Exchanges the wavelets.
  void make_filters(const FilterBank& bank, const Geometry& geometry);

  Inversion inversion(int to_level) const {
    return vector_radix && to_level == first_to_level ? Inversion::VectorRadix : Inversion::RowColumn;
  }
  const Folding& folding(int to_level) const { return foldings[to_level - first_to_level]; }
  std::size_t offset(int to_level) const { return offsets[to_level - first_to_level]; }
  /// psi_{scale,angle} at a block of planes of to_level, which is the scale's.
  FilterBlock<T> filter(int scale, int angle, int to_level, int plane_block) const;
  /// The same in the order of the vector-radix plan, by which planes of the scale are inverted.
  VectorRadixFilter<T> vector_radix_filter(int scale, int angle) const;
  /// The memory of the filters that the paths of these angles read.
  std::vector<std::span<const std::byte>> memory(int scale, int first_angle, int count) const;
  /// The sums for the gradient of psi_{scale,angle}, one after the other for all wavelets: a value wherever
  /// x^ is multiplied with one of psi^, (blocks of a plane, alias, row by Folding::rows, column of the
  /// block); by a vector-radix plan, as its filters.
  std::size_t sums_begin(int scale, int angle) const {
    return sums_begin_[(scale - first_scale) * opposite_angles.size() + angle];
  }
  std::size_t sums_size() const { return sums_begin_.back(); }
  std::size_t sums_size(int scale) const { return sums_begin(scale, 1) - sums_begin(scale, 0); }  ///< of one

  /// Clears what wavelets add to in the gradients of the folded spectra that are in this sum.
  void clear(T* folded, int sum = 0) const;

  int first_scale;
  int level;
  int first_to_level;
  std::optional<VectorRadixPlan> vector_radix;  ///< of the planes of first_to_level
  std::vector<int> opposite_angles;             ///< FilterBank's
  std::vector<Folding> foldings;                ///< by levels from first_to_level on
  std::vector<std::size_t> offsets;             ///< of each folded spectrum in the memory of all of them
  /// Which of PathGroups' sums [first, end) a folded spectrum has a gradient in. PathGroups says so for
  /// each, as every level has a path.
  struct Sums {
    int first;
    int end;

    bool has(int sum) const { return first <= sum && sum < end; }
  };
  std::vector<Sums> gradient_sums;
  std::size_t size = 0;  ///< of that memory, in values of T
  /// (scales from first_scale on, angles). Copies share them.
  std::shared_ptr<const std::vector<FoldedFilter<T>>> filters;

 private:
  std::vector<bool> is_read(int to_level, const Geometry& geometry) const;

  int end_scale_;
  std::vector<std::size_t> sums_begin_;
};

}  // namespace scatlight::cpu
