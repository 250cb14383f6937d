#pragma once

#include <cstdint>
#include <vector>

namespace scatlight::cpu {

/// Which columns of a spectrum share a vector. Images are real, so that the samples of a column are those of
/// its mirror image, column width - c, conjugate and upside down: only one of the two is stored. The first
/// `pairs` stored blocks hold columns whose mirror images get a block of a plane too; the others hold what is
/// left, column 0 and the columns around the middle. A plane has the stored blocks first, then the mirror
/// images. With 16 columns and blocks of 4:
///
///   stored           (1 2 3 4) (0 5 6 7) (8 9 10 11)
///   mirror images    (15 14 13 12)
struct ColumnBlocks {
  ColumnBlocks(int width, int block_size);

  int width;
  int block_size;  ///< columns of a block
  int pairs;       ///< stored blocks that have a mirror image
  int stored;      ///< blocks of a spectrum

  int plane_blocks() const { return stored + pairs; }  ///< blocks of a plane
  bool is_mirrored(int plane_block) const { return plane_block >= stored; }
  int stored_block(int plane_block) const {
    return is_mirrored(plane_block) ? plane_block - stored : plane_block;
  }

  /// Place l of a stored block has column first + l of the plane; but place 0 of the block that has_zero has
  /// column 0.
  int first(int stored_block) const {
    if (block_size == 1 && has_zero(stored_block)) return 0;
    return stored_block * block_size + (stored_block < pairs ? 1 : 0);
  }
  bool has_zero(int stored_block) const { return stored_block == pairs; }
  int used(int stored_block) const;  ///< columns that it has

  /// The column of the plane that a stored block has at `place`.
  int column(int stored_block, int place) const {
    return has_zero(stored_block) && place == 0 ? 0 : first(stored_block) + place;
  }

  /// By columns, where they stand in a row of a plane: block of the plane x block_size + place.
  std::vector<std::int32_t> places() const;
};

}  // namespace scatlight::cpu
