#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/filter_bank.h"
#include "core/geometry.h"
#include "cpu/column_blocks.h"
#include "cpu/fft_plan.h"
#include "cpu/low_pass.h"
#include "cpu/packing.h"
#include "cpu/tiles.h"

namespace scatlight::cpu {

/// What the engine knows about tiles of one sampling step.
template <class T>
struct Level {
  Level(const FilterBank& bank, const Geometry& geometry, const Tiles& tiles, int level, Packing packing);

  int level;
  int plane_height;  ///< of the padded plane
  int plane_width;
  int height;  ///< of a tile
  int width;
  int blocks;  ///< of columns of a row
  ColumnBlocks columns;
  FftPlan<T> along_columns;  ///< of length height
  FftPlan<T> along_rows;     ///< of length width
  /// Where a row stands in along_columns.input. `flipped_position` is that of row height - row by positions,
  /// where row `height` stands after the last position.
  std::vector<std::int32_t> row_position;
  std::vector<std::int32_t> flipped_position;
  /// Offsets of the rows of a column in Folding's order, if nothing is folded, as along_columns.output.
  std::vector<std::ptrdiff_t> spectrum_output;

  /// A plane of complex numbers between the transforms of columns and rows stands in memory as (block of
  /// rows, block of columns, row of the block) elements: the columns write it block by block, the rows read
  /// it in order. A number of blocks that is odd lets a column use every set of the cache.
  std::size_t row_block_stride;  ///< values of T from one block of rows to the next
  std::size_t plane_size;        ///< values of T of all
  /// Offsets of the rows of a block of columns, as along_columns.input and along_columns.output.
  std::vector<std::ptrdiff_t> plane_input;
  std::vector<std::ptrdiff_t> plane_output;

  /// The row ring: blocks of real rows of the whole plane, with lanes for rows, continued on both sides by
  /// the radius of phi_J. It has one block, or two where phi_J takes two at a time, which are used again and
  /// again; where several tiles are side by side, it has all blocks of a strip, which its tiles fill
  /// together.
  int ring_blocks;
  int ring_mask;            ///< block number & ring_mask is where it is in the ring
  std::size_t ring_stride;  ///< values of T from one block of rows to the next

  std::size_t half_stride;      ///< values of T from row to row of Scratch::half: odd in elements
  std::size_t spectrum_stride;  ///< the same of Scratch::spectrum

  /// A line is a block of rows with lanes for rows, its columns in ColumnBlocks' order, with a gap of an
  /// element after each block, for the reason of FftPlan's gaps. (Where lanes are planes, it is a row of the
  /// plane.)
  std::size_t line_block_stride;            ///< values of T from one block of columns to the next
  std::vector<std::ptrdiff_t> line_input;   ///< offsets of columns, as along_rows.input
  std::vector<std::ptrdiff_t> line_output;  ///< the same, as along_rows.output
  /// Offsets of the elements of along_rows' work, for a transform in place: those of line_input that the same
  /// small DFT reads.
  std::vector<std::ptrdiff_t> line_work;
  /// Offsets of columns in a block of real rows, as along_rows.output.
  std::vector<std::ptrdiff_t> row_output;

  LowPass<T> vertical;
  LowPass<T> horizontal;

  /// Rows of a strip's partial map: its averaged rows, if phi_J takes whole columns, or else the outputs that
  /// these reach.
  int partial_rows;
};

}  // namespace scatlight::cpu
