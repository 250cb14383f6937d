// The scattering transform of one plane. Included once for each target.
//
// Lanes are neighbouring columns while columns are transformed and neighbouring rows while rows are; blocks
// of lanes x lanes samples are transposed between the two. Or lanes are planes, and nothing is transposed
// (Packing).

#if defined(SCATLIGHT_CPU_PLANE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_PLANE_INL_H_
#undef SCATLIGHT_CPU_PLANE_INL_H_
#else
#define SCATLIGHT_CPU_PLANE_INL_H_
#endif

#include "cpu/image_rows-inl.h"
#include "cpu/inversion-inl.h"
#include "cpu/map_averager-inl.h"
#include "cpu/map_sink-inl.h"
#include "cpu/real_spectrum-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class D, int BlockSize>
class PlaneTransform {
  using W = Workspace<D, BlockSize>;
  using T = Real<D>;

 public:
  HWY_ATTR PlaneTransform(const W& workspace, const Maps<T>& maps)
      : workspace_(workspace),
        tables_(workspace.tables),
        scratch_(workspace.scratch),
        images_(workspace),
        spectrum_(workspace),
        averager_(workspace),
        maps_(workspace, averager_, maps) {}

  // The spectra of a strip's tiles, and map 0.
  HWY_ATTR void analyse(const Tiling<T>& tiling, int strip, const T* image, T* spectra) const {
    const auto& level = tiling.levels[0];
    const bool keep = tables_.options.max_order >= 1;
    if constexpr (lanes_are_planes<BlockSize>) {
      const std::size_t size = workspace_.image_size();
      pack(D(), workspace_.planes, image, size, size, scratch_.images);
    }
    for (int column = 0; column < tiling.tiles.columns.count; ++column) {
      const int tile = tiling.tile(strip, column);
      const auto core = tiling.core(tile, 0);
      const int averaged = maps_.takes_rows() && tiling.is_last(tile) ? core.height : 0;
      for (int y = 0; y < level.height; y += BlockSize) {
        T* rows = workspace_.row(level, y, core.left);
        images_.load(tiling, tile, image, y, rows);
        if (keep) spectrum_.keep_rows(level, y, rows);
        if (y < averaged) {
          averager_.average_rows(level, core, y, ConsecutiveRows<BlockSize>{y},
                                 maps_.averaged_rows(level, strip, 0));
        }
      }
      if (averaged > 0) maps_.end_strip(level, strip, core, 0);
      if (keep) spectrum_.fold(level, *tiling.image_band, spectra + column * tiling.spectrum_size());
    }
  }

  // The maps of a group from the spectra of a strip's tiles. What is read after it is prefetched meanwhile.
  HWY_ATTR void paths(const PathGroup& group, int strip, const T* spectra, NextReads next) const {
    const auto& band = *tables_.tilings[group.tiling].image_band;
    if (!tables_.has_second(group)) {
      auto prefetcher = prefetcher_of(workspace_, group, next);
      return moduli(band, group, strip, spectra, tables_.first_map(group), false, prefetcher);
    }
    // Before the filters of the next path of order 1, those of order 2 are read, by each.
    Prefetcher none;
    moduli(band, group, strip, spectra, tables_.first_map(group), true, none);
    const auto& second_band = tables_.modulus_bands[group.scale];
    spectrum_.fold(tables_.level_of(group), second_band, scratch_.folded);
    for (const auto& second : tables_.groups.second[group.scale]) {
      moduli(second_band, second, 0, scratch_.folded,
             tables_.second_map(group.scale, group.angle, second.scale, second.angle), false, none);
    }
  }

 private:
  // |x * psi| and its maps from `first_map` on, path by path; with `keep`, the transform of its rows too.
  HWY_INLINE HWY_ATTR void moduli(const Band<T>& band, const PathGroup& group, int strip, const T* spectra,
                                  int first_map, bool keep, Prefetcher& prefetcher) const {
    const auto& tiling = tables_.tilings[group.tiling];
    const auto& level = tables_.level_of(group);
    with_inversion(workspace_, band, group, prefetcher, [&](const auto& inversion) HWY_ATTR {
      for (int column = 0; column < tiling.tiles.columns.count; ++column) {
        const int tile = tiling.tile(strip, column);
        const auto core = tiling.core(tile, level.level);
        const bool is_last = tiling.is_last(tile);
        inversion.first_half(spectra + column * tiling.spectrum_size(), scratch_.plane);
        for (int path = 0; path < group.count; ++path) {
          const int map = first_map + path;
          for (int block = 0; inversion.reaches(block, core.height); ++block) {
            const int y = block * BlockSize;
            T* rows = workspace_.row(level, y, core.left);
            inversion.moduli(scratch_.plane, path, block, rows);
            if (is_last) {
              averager_.average_rows(level, core, y, inversion.rows_of(block),
                                     maps_.averaged_rows(level, strip, map));
            }
            if (keep) spectrum_.keep_rows(level, y, rows);
          }
          if (is_last) maps_.end_strip(level, strip, core, map);
        }
      }
    });
  }

  const W& workspace_;
  const Tables<T>& tables_;
  const Scratch<T>& scratch_;
  const ImageRows<D, BlockSize> images_;
  const RealSpectrum<D, BlockSize> spectrum_;
  const MapAverager<D, BlockSize> averager_;
  const MapSink<D, BlockSize> maps_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
