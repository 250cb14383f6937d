#include "cpu/level.h"

#include <algorithm>
#include <iterator>

namespace scatlight::cpu {

template <class T>
Level<T>::Level(const FilterBank& bank, const Geometry& geometry, const Tiles& tiles, int level,
                Packing packing)
    : level(level),
      plane_height(geometry.rows.padded >> level),
      plane_width(geometry.columns.padded >> level),
      height(tiles.rows.length >> level),
      width(tiles.columns.length >> level),
      blocks((width + packing.block_size - 1) / packing.block_size),
      columns(width, packing.block_size),
      along_columns(height, packing.lanes),
      along_rows(width, packing.lanes),
      row_position(height),
      row_block_stride(static_cast<std::size_t>(blocks | 1) * packing.block_size * 2 * packing.lanes),
      plane_size((height + packing.block_size - 1) / packing.block_size * row_block_stride),
      line_block_stride((packing.block_size == 1 ? 1 : packing.block_size + 1) *
                        static_cast<std::size_t>(2 * packing.lanes)),
      vertical(bank, geometry.rows, geometry, level, packing.lanes, LowPass<T>::vertical_tap_cost),
      horizontal(bank, geometry.columns, geometry, level, packing.lanes, LowPass<T>::horizontal_tap_cost) {
  const int lanes = packing.lanes;
  const int block_size = packing.block_size;
  for (int position = 0; position < height; ++position)
    row_position[along_columns.input[position]] = position;
  for (const int row : along_columns.input)
    flipped_position.push_back(row == 0 ? height : row_position[height - row]);

  const int element = 2 * lanes;
  // The last tile may be longer than what is left of the plane.
  const int columns_of_tiles =
      (tiles.columns.begin(tiles.columns.count - 1) >> level) + round_up(width, block_size);
  ring_stride = (std::max(columns_of_tiles, plane_width + horizontal.radius) + horizontal.radius) *
                static_cast<std::size_t>(lanes);
  const int core = tiles.rows.core >> level;
  partial_rows =
      vertical.takes_whole() ? core : (core - 1 + vertical.taps() + vertical.step - 1) / vertical.step;
  const bool is_whole = tiles.columns.count > 1;
  ring_blocks = is_whole ? (height + block_size - 1) / block_size : horizontal.spectral ? 2 : 1;
  ring_mask = is_whole ? ~0 : ring_blocks - 1;
  // Of blocks of columns up to the middle and of stored ones, the larger number.
  const std::size_t half_blocks = std::max(width / 2 / block_size + 1, columns.stored);
  half_stride = (half_blocks | 1) * element;
  spectrum_stride = (half_blocks + 2) * lanes;
  for (const int row : along_columns.output) spectrum_output.push_back(row_position[row] * element);
  const auto in_plane = [&](int row) {
    return static_cast<std::ptrdiff_t>(row / block_size * row_block_stride) + row % block_size * element;
  };
  std::ranges::transform(along_columns.input, std::back_inserter(plane_input), in_plane);
  std::ranges::transform(along_columns.output, std::back_inserter(plane_output), in_plane);
  const auto in_line = [&, places = columns.places()](int column) -> std::ptrdiff_t {
    return places[column] / block_size * line_block_stride + places[column] % block_size * element;
  };
  std::ranges::transform(along_rows.input, std::back_inserter(line_input), in_line);
  std::ranges::transform(along_rows.output, std::back_inserter(line_output), in_line);
  line_work.resize(along_rows.work_elements());
  const auto& first = along_rows.stages.front();
  for (int k = 0; k < first.radix; ++k) {
    for (int p = 0; p < first.stride; ++p)
      line_work[k * (first.stride + along_rows.work_gap) + p] = line_input[p * first.radix + k];
  }
  std::ranges::transform(along_rows.output, std::back_inserter(row_output),
                         [&](int column) -> std::ptrdiff_t { return column * lanes; });
}

template struct Level<float>;
template struct Level<double>;

}  // namespace scatlight::cpu
