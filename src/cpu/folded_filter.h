#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/filter_bank.h"
#include "cpu/aligned_vector.h"
#include "cpu/folding.h"

namespace scatlight::cpu {

/// Rows [begin, end) of a filter at a block of a plane, of which the same aliases are kept.
struct FilterSegment {
  std::int32_t begin;
  std::int32_t end;
  std::int32_t aliases;      ///< how many are kept
  std::int32_t first_alias;  ///< in FoldedFilter::aliases
  std::ptrdiff_t values;     ///< offset of the values, (row, kept alias, columns of the block)
};

/// psi at one block of a plane.
template <class T>
struct FilterBlock {
  const T* values;
  std::span<const FilterSegment> segments;  ///< none if the filter is negligible in this block
  const std::int32_t* aliases;              ///< of the spectrum, by FilterSegment::first_alias
  bool flipped;  ///< row r stands for row height - r. A filter has rows 0 to `height`, and either the first
                 ///< or the last of them is of no use.
  int height;

  std::pair<int, int> used_rows(const FilterSegment& segment) const {
    return {std::max(segment.begin, flipped ? 1 : 0), std::min(segment.end, flipped ? height + 1 : height)};
  }
  int row(int of_filter) const { return flipped ? height - of_filter : of_filter; }
};

template <class T>
class AliasColumns;

/// One psi_{j,theta} as it is to be multiplied with a spectrum in Folding's order, for each block of a plane:
/// psi(k) where samples of a stored block stand for themselves, psi(-k) where they stand for their mirror
/// images. What is negligible is left out: whole blocks of filters of one alias, else aliases row by row.
///
/// psi_{j,-theta} is the mirror image of psi_{j,theta}: its blocks that have mirror images are the other's
/// mirror images upside down. They are not stored twice.
template <class T>
struct FoldedFilter {
  /// Divides by the samples of the finer level, which covers the mean of the aliases and the inverse
  /// transform. With `has_opposite`, stores only what that of -theta does not have.
  FoldedFilter(const FilterBank& bank, const WaveletSpectrum& wavelet, int from_level, const Folding& folding,
               bool has_opposite);
  /// Of no values yet.
  explicit FoldedFilter(bool has_opposite) : has_opposite(has_opposite) {}

  bool has_opposite;
  /// By segments. Rows stand in Folding's order if there is one alias, which is in one segment, and else in
  /// their natural one; row `height`, where each alias has the first row of the next, stands last.
  AlignedVector<T> values;
  std::vector<std::int32_t> aliases;
  std::vector<std::int32_t> flipped_aliases;  ///< Folding::flipped of them
  std::vector<FilterSegment> segments;        ///< by blocks
  std::vector<std::int32_t> begin;            ///< (blocks + 1): a block's first segment

 private:
  void begin_segment(const Folding& folding, int row, const std::vector<std::int32_t>& kept);
  void add_row(const AliasColumns<T>& columns, int row);
  void add_unfolded(const AliasColumns<T>& columns, const Folding& folding);
  void add_folded(const AliasColumns<T>& columns, const Folding& folding);
};

}  // namespace scatlight::cpu
