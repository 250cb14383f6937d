#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu/column_blocks.h"
#include "cpu/packing.h"

namespace scatlight::cpu {

/// How a spectrum at one level stands in memory to be multiplied with filters and folded to a coarser level.
/// It is cut into across x down aliases, each of the coarser spectrum's height and width, which fold onto
/// each other:
///
///   (stored block of columns, alias, row) elements of {re, im} x lanes
///
/// Where nothing is folded, there is one alias, and rows stand in the order in which the transform of a
/// column asks for them.
struct Folding {
  /// `input` is that of the transform of a coarser column.
  Folding(int from_height, int from_width, int levels, const std::vector<std::int32_t>& input,
          Packing packing);

  int height;  ///< of the coarser spectrum
  int width;   ///< of the coarser spectrum
  int across;  ///< aliases side by side; they are numbered row by row
  int down;    ///< aliases below each other
  ColumnBlocks columns;
  int lanes;
  std::vector<std::int32_t> rows;  ///< by where they stand

  /// A block of one alias.
  struct AliasBlock {
    std::int32_t row;      ///< of the finer spectrum, the one that row 0 is
    std::int32_t column;   ///< of the finer spectrum, the first of those side by side
    std::int32_t used;     ///< columns of the block
    std::int32_t lone;     ///< the column of the first lane, where it stands alone; else -1
    std::ptrdiff_t begin;  ///< of its rows in memory
  };
  /// Those that wavelets read, those with the same rows together. Others are never written.
  std::vector<AliasBlock> alias_blocks;
  /// `is_read` by (stored block, alias).
  void keep(const std::vector<bool>& is_read);

  int aliases() const { return across * down; }
  /// The alias that one falls on when the finer spectrum is turned upside down.
  int flipped(int alias) const { return (down - 1 - alias / across) * across + alias % across; }
  std::size_t alias_size() const { return static_cast<std::size_t>(height) * 2 * lanes; }
  std::size_t block_stride() const { return aliases() * alias_size(); }
  std::size_t size() const { return columns.stored * block_stride(); }
};

}  // namespace scatlight::cpu
