#include "cpu/grid.h"

#include <algorithm>
#include <array>

namespace scatlight::cpu {
namespace {

template <int... Factors>
bool is_one_of(std::integer_sequence<int, Factors...>, int factor) {
  return ((factor == Factors) || ...);
}

bool fits_side(int length) {
  return length % Grid::side == 0 && is_one_of(Grid::Factors{}, length / Grid::side);
}

// The samples that a DFT of (factor, 16) points gives, in the order of its outputs.
std::vector<std::int32_t> outputs(int factor) {
  const int length = factor * Grid::side;
  std::vector<std::int32_t> samples;
  for (int k = 0; k < factor; ++k) {
    for (int k16 = 0; k16 < Grid::side; ++k16) {
      const int of_k = Grid::is_odd(factor) ? Grid::side * k : k;
      samples.push_back((of_k + factor * k16) % length);
    }
  }
  return samples;
}

}  // namespace

bool Grid::fits(int height, int width, Packing packing) {
  return packing.lanes == side && packing.side == side && fits_side(height) && fits_side(width);
}

Grid::Grid(int height, int width)
    : rows(height / side), columns(width / side), row_of(outputs(rows)), column_of(outputs(columns)) {
  // Lane 4 k + m of a block of rows is output k + 4 m.
  for (auto block = row_of.begin(); block != row_of.end(); block += side) {
    std::array<std::int32_t, side> lanes;
    for (int lane = 0; lane < side; ++lane) lanes[lane] = block[lane / 4 + 4 * (lane % 4)];
    std::ranges::copy(lanes, block);
  }
}

}  // namespace scatlight::cpu
