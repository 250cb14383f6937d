#include "cpu/column_blocks.h"

#include <algorithm>

namespace scatlight::cpu {

ColumnBlocks::ColumnBlocks(int width, int block_size)
    : width(width),
      block_size(block_size),
      pairs((width - 1) / (2 * block_size)),
      stored(pairs + (width - 2 * pairs * block_size + block_size - 1) / block_size) {}

int ColumnBlocks::used(int stored_block) const {
  if (stored_block < pairs) return block_size;
  return std::min(block_size, width - pairs * block_size - stored_block * block_size);
}

std::vector<std::int32_t> ColumnBlocks::places() const {
  std::vector<std::int32_t> places(width);
  for (int block = 0; block < plane_blocks(); ++block) {
    const int stored = stored_block(block);
    for (int place = 0; place < used(stored); ++place) {
      const int of_place = column(stored, place);
      places[is_mirrored(block) ? width - of_place : of_place] = block * block_size + place;
    }
  }
  return places;
}

}  // namespace scatlight::cpu
