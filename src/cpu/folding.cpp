#include "cpu/folding.h"

#include <algorithm>

namespace scatlight::cpu {

Folding::Folding(int from_height, int from_width, int levels, const std::vector<std::int32_t>& input,
                 Packing packing)
    : height(from_height >> levels),
      width(from_width >> levels),
      across(1 << levels),
      down(1 << levels),
      columns(width, packing.block_size),
      lanes(packing.lanes),
      rows(input) {
  if (levels > 0) std::ranges::sort(rows);
}

void Folding::keep(const std::vector<bool>& is_read) {
  alias_blocks.clear();
  for (int y = 0; y < down; ++y) {
    for (int block = 0; block < columns.stored; ++block) {
      const int first = columns.first(block);
      const bool has_lone = columns.has_zero(block) && first > 0;
      for (int x = 0; x < across; ++x) {
        const int alias = y * across + x;
        if (!is_read[block * aliases() + alias]) continue;
        alias_blocks.push_back(
            {.row = y * height,
             .column = x * width + first,
             .used = columns.used(block),
             .lone = has_lone ? x * width : -1,
             .begin = static_cast<std::ptrdiff_t>(block * block_stride() + alias * alias_size())});
      }
    }
  }
}

}  // namespace scatlight::cpu
