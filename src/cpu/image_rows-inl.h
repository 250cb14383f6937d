// Rows of the image, padded and cut into tiles, and the adjoint of that. Included once for each target.

#if defined(SCATLIGHT_CPU_IMAGE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_IMAGE_ROWS_INL_H_
#undef SCATLIGHT_CPU_IMAGE_ROWS_INL_H_
#else
#define SCATLIGHT_CPU_IMAGE_ROWS_INL_H_
#endif

#include <hwy/cache_control.h>

#include <algorithm>

#include "cpu/transpose-inl.h"
#include "cpu/workspace-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class D, int BlockSize>
class ImageRows {
  using T = Real<D>;
  static constexpr int lanes = hn::MaxLanes(D());

 public:
  explicit ImageRows(const Workspace<D, BlockSize>& workspace) : workspace_(workspace) {}

  // Rows [y, y + BlockSize) of a tile of the image, as lanes.
  HWY_INLINE HWY_ATTR void load(const Tiling<T>& tiling, int tile, const T* image, int y, T* to) const {
    const auto& level = tiling.levels[0];
    const auto& row_sources = tiling.rows_of(tile);
    const auto& columns = tiling.columns_of(tile);
    const auto source_row = [&](const T* of_image, std::size_t step, int r) {
      const bool exists = y + r < level.height && row_sources[y + r] >= 0;
      return exists ? of_image + std::size_t(row_sources[y + r]) * workspace_.tables.options.width * step
                    : workspace_.tables.zero_row.data();
    };
    if constexpr (lanes_are_planes<BlockSize>) {
      const T* from = source_row(workspace_.scratch.images, lanes, 0);
      for (const auto& run : columns.runs)
        std::copy_n(from + run.source * lanes, run.length * lanes, to + run.begin * lanes);
    } else {
      const T* rows[lanes];
      for (int r = 0; r < lanes; ++r) rows[r] = source_row(image, 1, r);
      for (const auto& run : columns.runs) {
        T* to_run = to + run.begin * lanes;
        if (run.length < lanes) {
          for (int x = 0; x < run.length; ++x)
            for (int r = 0; r < lanes; ++r) to_run[x * lanes + r] = rows[r][run.source + x];
          continue;
        }
        for (int begin = 0; begin < run.length; begin += lanes) {
          const int x = std::min(begin, run.length - lanes);
          transpose_lines(
              d_, [&](int r) SCATLIGHT_LAMBDA { return rows[r] + run.source + x; },
              [&](int c) SCATLIGHT_LAMBDA { return to_run + (x + c) * lanes; });
        }
      }
      // Prefetches the next rows: the hardware prefetcher begins anew with each block and page.
      for (int r = lanes; r < 2 * lanes; ++r) {
        const T* next = source_row(image, 1, r);
        for (const auto& run : columns.runs) {
          for (int i = 0; i < run.length; i += lanes) hwy::Prefetch(next + run.source + i);
        }
      }
    }
    for (const auto& repeat : columns.repeats)
      hn::Store(hn::Load(d_, to + repeat.of * lanes), d_, to + repeat.column * lanes);
    for (const auto column : columns.zeros) hn::Store(hn::Zero(d_), d_, to + column * lanes);
  }

  // The adjoint: adds the gradient of rows [y, y + BlockSize) of a tile to that of the samples of the image
  // that they are. `real` is overwritten: the gradients of repeated columns are added to the first of them.
  HWY_NOINLINE HWY_ATTR void add(const Tiling<T>& tiling, int tile, int y, T* real, T* image_gradient) const {
    const auto& level = tiling.levels[0];
    const auto& row_sources = tiling.rows_of(tile);
    const auto& columns = tiling.columns_of(tile);
    for (const auto& repeat : columns.repeats)
      add_vector(d_, hn::Load(d_, real + repeat.column * lanes), real + repeat.of * lanes);
    constexpr int column_step = Workspace<D, BlockSize>::column_step;
    const std::size_t stride = level.blocks * lanes;
    const T* rows = real;
    if constexpr (!lanes_are_planes<BlockSize>) {
      T* transposed = workspace_.scratch.line;
      for (int block = 0; block < level.blocks; ++block)
        transpose(d_, real + block * lanes * lanes, lanes, transposed + block * lanes, stride);
      rows = transposed;
    }
    for (int r = 0; r < std::min(BlockSize, level.height - y); ++r) {
      if (row_sources[y + r] < 0) continue;
      const T* from = rows + r * stride;
      T* to =
          image_gradient + std::int64_t{row_sources[y + r]} * workspace_.tables.options.width * column_step;
      for (const auto& run : columns.runs) {
        for (int i = 0; i < run.length * column_step; ++i)
          to[run.source * column_step + i] += from[run.begin * column_step + i];
      }
    }
  }

 private:
  const D d_ = {};
  const Workspace<D, BlockSize>& workspace_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
