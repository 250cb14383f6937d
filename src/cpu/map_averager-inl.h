// phi_J of blocks of rows and of whole planes, in the way that was chosen for their level, and the adjoint.
// Included once for each target.

#if defined(SCATLIGHT_CPU_MAP_AVERAGER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_MAP_AVERAGER_INL_H_
#undef SCATLIGHT_CPU_MAP_AVERAGER_INL_H_
#else
#define SCATLIGHT_CPU_MAP_AVERAGER_INL_H_
#endif

#include <algorithm>

#include "cpu/inversion-inl.h"
#include "cpu/pack-inl.h"
#include "cpu/transpose-inl.h"
#include "cpu/workspace-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class D, int BlockSize>
class MapAverager {
  using W = Workspace<D, BlockSize>;
  using T = Real<D>;
  static constexpr int lanes = W::lanes;

 public:
  explicit MapAverager(const W& workspace)
      : workspace_(workspace),
        scratch_(workspace.scratch),
        low_pass_(workspace.low_pass()),
        width_(workspace.tables.geometry.columns.output),
        height_(workspace.tables.geometry.rows.output),
        averages_(workspace.tables.scratch.averages),
        stride_(workspace.tables.scratch.output_stride) {}

  // The horizontal low-pass of a block of real rows of a strip, which are complete, at the output columns:
  // row rows_of(lane) of the strip becomes that row of `to`, if it is in the core. Where the low-pass takes
  // two blocks at a time, it waits for the second one; rows are consecutive then.
  template <class RowsOf>
  HWY_NOINLINE HWY_ATTR void average_rows(const Level<T>& level, const Core& core, int y,
                                          const RowsOf& rows_of, T* to) const {
    T* averages = scratch_.averages;
    if (level.horizontal.halves || !level.horizontal.spectral) {
      if constexpr (lanes_are_planes<BlockSize>) averages = to + y * stride_;
      average_block(level, y, averages);
      return store_averages(core, averages, rows_of, to);
    }
    const bool is_second = y / BlockSize % 2 == 1;
    const bool is_last = y + BlockSize >= core.height;
    if (!is_second && !is_last) return;
    // Lanes that hold no output would leak into others by rounding.
    T* last = workspace_.row(level, y, 0);
    if (y + BlockSize > core.height) clear_lanes(core.height - y, last, level.plane_width);
    T* second_averages = averages + averages_;
    for (T* of_block : {averages, second_averages})
      std::fill(of_block + width_ * lanes, of_block + averages_, T{0});
    low_pass_.average_pair(level.horizontal, width_,
                           is_second ? workspace_.row(level, y - BlockSize, 0) : last, last, lanes, averages,
                           second_averages, lanes);
    if (is_second) store_averages(core, averages, ConsecutiveRows<BlockSize>{y - BlockSize}, to);
    store_averages(core, second_averages, ConsecutiveRows<BlockSize>{y}, to);
  }

  // The vertical low-pass of all rows of a plane, into Scratch::map. What phi_J reads before and after them
  // is there to be written.
  HWY_INLINE HWY_ATTR void average_columns(const Level<T>& level, T* rows) const {
    const auto& vertical = level.vertical;
    if (vertical.takes_whole()) return average_whole_columns(vertical, rows);
    low_pass_.continue_periodically(vertical, level.plane_height, rows - vertical.radius * stride_, stride_);
    average_columns(vertical, 0, height_, rows, 0, scratch_.map);
  }

  // By halves or spectra.
  HWY_NOINLINE HWY_ATTR void average_whole_columns(const LowPass<T>& vertical, const T* rows) const {
    T* outputs = scratch_.map;
    if (vertical.halves) {
      for (std::size_t x = 0; x < stride_; x += lanes)
        low_pass_.average_halves(vertical, height_, rows + x, stride_, outputs + x, stride_);
      return;
    }
    for (std::size_t x = 0; x < stride_; x += 2 * lanes) {
      const std::size_t second = std::min(x + lanes, stride_ - lanes);
      low_pass_.average_pair(vertical, height_, rows + x, rows + second, stride_, outputs + x,
                             outputs + second, stride_);
    }
  }

  // The vertical low-pass of the rows in Scratch::average_rows, which are those of a strip: the outputs that
  // they reach.
  HWY_INLINE HWY_ATTR void average_section(const LowPass<T>& vertical, const Core& core, T* to) const {
    T* rows = scratch_.average_rows;
    const std::size_t zeros = 2 * vertical.radius * stride_;
    std::fill_n(rows - zeros, zeros, T{0});
    std::fill_n(rows + core.height * stride_, zeros, T{0});
    const auto [first, last] = vertical.reached(core.top, core.top + core.height);
    average_columns(vertical, first, last, rows, core.top, to);
  }

  // The adjoint of average_columns: from Scratch::map into Scratch::average_rows.
  HWY_INLINE HWY_ATTR void spread_columns(const Level<T>& level) const {
    const T* outputs = scratch_.map;
    T* samples = scratch_.average_rows;
    if (level.vertical.spectral) {
      for (std::size_t x = 0; x < stride_; x += 2 * lanes) {
        const std::size_t second = std::min(x + lanes, stride_ - lanes);
        low_pass_.spread_pair(level.vertical, height_, outputs + x, outputs + second, stride_, samples + x,
                              samples + second, stride_);
      }
      return;
    }
    T* continued = samples - level.vertical.radius * stride_;
    for (std::size_t x = 0; x < stride_; x += lanes)
      low_pass_.spread(level.vertical, level.plane_height, height_, outputs + x, stride_, continued + x,
                       stride_);
  }

  // The adjoint of average_rows, from Scratch::average_rows: the gradient of a block of rows of a tile, zero
  // beyond the core. Of tiles beside each other, the first one makes it for all; where the low-pass takes two
  // blocks of rows at a time, with the first one.
  template <class RowsOf>
  HWY_NOINLINE HWY_ATTR T* spread_rows(const Tiling<T>& tiling, int tile, const Level<T>& level, int y,
                                       const RowsOf& rows_of) const {
    const auto core = tiling.core(tile, level.level);
    if (tiling.is_first(tile)) {
      if (!level.horizontal.spectral) {
        low_pass_.spread(level.horizontal, level.plane_width, width_,
                         load_averages(core, rows_of, scratch_.averages), lanes,
                         workspace_.row(level, y, -level.horizontal.radius), lanes);
      } else if (y / BlockSize % 2 == 0) {
        const T* averages = load_averages(core, rows_of, scratch_.averages);
        const int second_y = y + BlockSize < core.height ? y + BlockSize : y;
        const T* second = second_y == y ? averages
                                        : load_averages(core, ConsecutiveRows<BlockSize>{second_y},
                                                        scratch_.averages + averages_);
        low_pass_.spread_pair(level.horizontal, width_, averages, second, lanes, workspace_.row(level, y, 0),
                              workspace_.row(level, second_y, 0), lanes);
      }
    }
    return cut_row(tiling, core, level, y);
  }

 private:
  HWY_INLINE HWY_ATTR void average_block(const Level<T>& level, int y, T* averages) const {
    if (level.horizontal.halves) {
      low_pass_.average_halves(level.horizontal, width_, workspace_.row(level, y, 0), lanes, averages, lanes);
    } else {
      low_pass_.continue_periodically(level.horizontal, level.plane_width,
                                      workspace_.row(level, y, -level.horizontal.radius), lanes);
      low_pass_.average(level.horizontal, width_, workspace_.row(level, y, level.horizontal.center(0)), lanes,
                        averages, lanes);
    }
    // The vertical low-pass may take them together with others.
    if constexpr (!lanes_are_planes<BlockSize>)
      std::fill(averages + width_ * lanes, averages + averages_, T{0});
  }

  // Only rows of the core: what follows may be another strip's, and of another thread.
  template <class RowsOf>
  HWY_INLINE HWY_ATTR void store_averages(const Core& core, const T* averages, const RowsOf& rows_of,
                                          T* to) const {
    if constexpr (lanes_are_planes<BlockSize>) {
      T* row = to + rows_of(0) * stride_;
      if (averages != row) std::copy_n(averages, stride_, row);
      return;
    }
    T* rows[BlockSize];
    for (int r = 0; r < BlockSize; ++r)
      rows[r] = rows_of(r) < core.height ? to + rows_of(r) * stride_ : scratch_.map;  // which is not in use
    for (std::size_t out = 0; out < stride_; out += lanes) {
      transpose_lines(
          d_, [&](int x) SCATLIGHT_LAMBDA { return averages + (out + x) * lanes; },
          [&](int r) SCATLIGHT_LAMBDA { return rows[r] + out; });
    }
  }

  // The other way round, or zeros for rows beyond the core.
  template <class RowsOf>
  HWY_INLINE HWY_ATTR const T* load_averages(const Core& core, const RowsOf& rows_of, T* to) const {
    const T* from = scratch_.average_rows + core.top * stride_;
    if constexpr (lanes_are_planes<BlockSize>) return from + rows_of(0) * stride_;
    const T* rows[BlockSize];
    for (int r = 0; r < BlockSize; ++r)
      rows[r] = rows_of(r) < core.height ? from + rows_of(r) * stride_ : workspace_.tables.zero_row.data();
    for (std::size_t out = 0; out < stride_; out += lanes) {
      transpose_lines(
          d_, [&](int r) SCATLIGHT_LAMBDA { return rows[r] + out; },
          [&](int x) SCATLIGHT_LAMBDA { return to + (out + x) * lanes; });
    }
    return to;
  }

  HWY_INLINE HWY_ATTR void clear_lanes(int from, T* vectors, std::size_t count) const {
    const auto used = hn::FirstN(d_, from);
    for (std::size_t i = 0; i < count * lanes; i += lanes)
      hn::Store(hn::IfThenElseZero(used, hn::Load(d_, vectors + i)), d_, vectors + i);
  }

  // Outputs [first, last) of averaged rows, of which `rows` is row `top` of the plane.
  HWY_INLINE HWY_ATTR void average_columns(const LowPass<T>& vertical, int first, int last, const T* rows,
                                           int top, T* to) const {
    rows += (vertical.center(first) - top) * static_cast<std::ptrdiff_t>(stride_);
    for (std::size_t x = 0; x < stride_; x += lanes)
      low_pass_.average(vertical, last - first, rows + x, stride_, to + x, stride_);
  }

  // What a tile has of rows [y, y + BlockSize) of its strip, and zeros beyond the core.
  HWY_INLINE HWY_ATTR T* cut_row(const Tiling<T>& tiling, const Core& core, const Level<T>& level,
                                 int y) const {
    T* real = workspace_.row(level, y, core.left);
    if (tiling.tiles.columns.count > 1) {
      std::copy_n(real, core.width * lanes, scratch_.row);
      real = scratch_.row;
    }
    std::fill_n(real + core.width * lanes, (level.width - core.width) * lanes, T{0});
    return real;
  }

  const D d_ = {};
  const W& workspace_;
  const Scratch<T>& scratch_;
  const LineLowPass<D> low_pass_;
  const int width_;  // outputs
  const int height_;
  const std::size_t averages_;  // values of a block
  const std::size_t stride_;    // of averaged rows and maps
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
