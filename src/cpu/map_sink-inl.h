// What becomes of the averaged rows of a strip: a map, a partial map or nothing. Included once for each
// target.

#if defined(SCATLIGHT_CPU_MAP_SINK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_MAP_SINK_INL_H_
#undef SCATLIGHT_CPU_MAP_SINK_INL_H_
#else
#define SCATLIGHT_CPU_MAP_SINK_INL_H_
#endif

#include <algorithm>

#include "cpu/kernels.h"
#include "cpu/map_averager-inl.h"
#include "cpu/pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class D, int BlockSize>
class MapSink {
  using W = Workspace<D, BlockSize>;
  using T = Real<D>;
  static constexpr int lanes = W::lanes;

 public:
  MapSink(const W& workspace, const MapAverager<D, BlockSize>& averager, const Maps<T>& maps)
      : workspace_(workspace),
        averager_(averager),
        maps_(maps),
        stride_(workspace.tables.scratch.output_stride) {}

  HWY_INLINE bool takes_rows() const { return maps_.kind != MapKind::None; }

  // Where the averaged rows of a strip go: the first one of its core.
  HWY_INLINE T* averaged_rows(const Level<T>& level, int strip, int map) const {
    const bool are_partial_map = maps_.kind == MapKind::Partial && level.vertical.takes_whole();
    return are_partial_map ? partial_map(level, strip, map) : workspace_.scratch.average_rows;
  }

  // When all of them are there.
  HWY_NOINLINE HWY_ATTR void end_strip(const Level<T>& level, int strip, const Core& core, int map) const {
    if (maps_.kind == MapKind::Whole) {
      averager_.average_columns(level, workspace_.scratch.average_rows);
      write(map);
    } else if (!level.vertical.takes_whole()) {
      averager_.average_section(level.vertical, core, partial_map(level, strip, map));
    }
  }

  // A map from the partial maps of all strips.
  HWY_ATTR void combine(const T* partials, int map) const {
    const auto& tiling = workspace_.tables.tiling_of(map);
    const auto& level = tiling.levels[workspace_.tables.level_of(map)];
    partials += workspace_.tables.partials_begin(map);
    if (level.vertical.takes_whole()) {
      averager_.average_whole_columns(level.vertical, partials);
    } else {
      add_partial_maps(tiling, level, partials);
    }
    write(map);
  }

 private:
  HWY_INLINE T* partial_map(const Level<T>& level, int strip, int map) const {
    return maps_.data + workspace_.tables.partials_begin(map) + strip * level.partial_rows * stride_;
  }

  HWY_INLINE HWY_ATTR void add_partial_maps(const Tiling<T>& tiling, const Level<T>& level,
                                            const T* partials) const {
    const int height = workspace_.tables.geometry.rows.output;
    const auto& vertical = level.vertical;
    T* outputs = workspace_.scratch.map;
    std::fill_n(outputs, height * stride_, T{0});
    const int period = level.plane_height / vertical.step;
    for (int strip = 0; strip < tiling.strips(); ++strip, partials += level.partial_rows * stride_) {
      const auto core = tiling.core(tiling.tile(strip, 0), level.level);
      const auto [first, last] = vertical.reached(core.top, core.top + core.height);
      const T* from = partials;
      for (int reached = first; reached < last; ++reached, from += stride_) {
        const int out = (reached + vertical.border + period) % period - vertical.border;
        if (out < 0 || out >= height) continue;
        T* to = outputs + out * stride_;
        for (std::size_t x = 0; x < stride_; x += lanes) add_vector(d_, hn::Load(d_, from + x), to + x);
      }
    }
  }

  // From Scratch::map to a map, or to that of each plane.
  HWY_INLINE HWY_ATTR void write(int map) const {
    const int height = workspace_.tables.geometry.rows.output;
    const int width = workspace_.tables.geometry.columns.output;
    const T* outputs = workspace_.scratch.map;
    T* to = maps_.data + map * workspace_.map_size();
    if constexpr (lanes_are_planes<BlockSize>)
      return unpack(d_, workspace_.planes, outputs, workspace_.map_size(), to, workspace_.features_size());
    for (int out = 0; out < height; ++out, outputs += stride_, to += width) std::copy_n(outputs, width, to);
  }

  const D d_ = {};
  const W& workspace_;
  const MapAverager<D, BlockSize>& averager_;
  const Maps<T> maps_;
  const std::size_t stride_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
