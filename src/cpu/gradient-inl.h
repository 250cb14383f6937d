// The gradient of the scattering transform of one plane. Included once for each target.
//
// Every linear step is followed back by its adjoint; the modulus u -> |u| by g -> g u / |u|, with u computed
// again. What the wavelets give to the spectrum of their input is added up there and goes back through one
// transform.

#if defined(SCATLIGHT_CPU_GRADIENT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_GRADIENT_INL_H_
#undef SCATLIGHT_CPU_GRADIENT_INL_H_
#else
#define SCATLIGHT_CPU_GRADIENT_INL_H_
#endif

#include <algorithm>

#include "cpu/image_rows-inl.h"
#include "cpu/inversion-inl.h"
#include "cpu/kernels.h"
#include "cpu/map_averager-inl.h"
#include "cpu/pack-inl.h"
#include "cpu/real_spectrum-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class D, int BlockSize>
class PlaneGradient {
  using W = Workspace<D, BlockSize>;
  using T = Real<D>;
  static constexpr int lanes = W::lanes;
  static constexpr std::size_t element = W::element;

 public:
  HWY_ATTR PlaneGradient(const W& workspace, const T* feature_gradients)
      : workspace_(workspace),
        tables_(workspace.tables),
        scratch_(workspace.scratch),
        gradients_(feature_gradients),
        images_(workspace),
        spectrum_(workspace),
        averager_(workspace) {}

  // Adds what the gradients of a group's maps give to that of the spectra and to the sums for the wavelets.
  HWY_ATTR void paths(const PathGroup& group, const T* spectra, T* spectra_gradient, WaveletSums<T> sums,
                      NextReads next) const {
    const auto& tiling = tables_.tilings[group.tiling];
    const auto& level = tables_.level_of(group);
    const bool has_second = tables_.has_second(group);
    const T* of_second = has_second ? scratch_.modulus_gradient : nullptr;
    // Order 2 reads its own filters before those of the next path of order 1.
    Prefetcher prefetcher = has_second ? Prefetcher() : prefetcher_of(workspace_, group, next);
    with_inversion(workspace_, *tiling.image_band, group, prefetcher, [&](const auto& inversion) HWY_ATTR {
      for (int tile = 0; tile < tiling.count(); ++tile) {
        const auto offset = tiling.spectrum_offset(tile);
        inversion.first_half(spectra + offset, scratch_.plane);
        if (has_second) second_paths(group, inversion, sums.of_modulus);
        for (int path = 0; path < group.count; ++path) {
          if (tile == 0) read_map(level, tables_.first_map(group) + path);
          differentiate_rows(inversion, tiling, tile, level, scratch_.plane, path, of_second);
        }
        inversion.add_first_half(spectra + offset, scratch_.plane, spectra_gradient + offset, sums.of_image);
      }
    });
  }

  // The gradient of the image from that of map 0 and those of the spectra.
  HWY_ATTR void image(const T* const* spectra_gradients, T* image_gradient) const {
    const std::size_t size = workspace_.image_size();
    T* sum = lanes_are_planes<BlockSize> ? scratch_.images : image_gradient;
    std::fill_n(sum, size * W::column_step, T{0});
    for (const auto& tiling : tables_.tilings) {
      const auto& level = tiling.levels[0];
      const bool has_map = &tiling == &tables_.tilings.front();
      if (has_map) read_map(level, 0);
      for (int tile = 0; tile < tiling.count(); ++tile) {
        const auto core = tiling.core(tile, 0);
        const auto gradient_of_map = [&](int y) HWY_ATTR {
          if (has_map && y < core.height)
            return averager_.spread_rows(tiling, tile, level, y, ConsecutiveRows<BlockSize>{y});
          std::fill_n(scratch_.row, level.width * lanes, T{0});
          return scratch_.row;
        };
        if (!tiling.image_band) {
          for (int y = 0; y < core.height; y += BlockSize)
            images_.add(tiling, tile, y, gradient_of_map(y), sum);
          continue;
        }
        spectrum_.real_plane(level, *tiling.image_band, spectra_gradients, tiling.spectrum_offset(tile),
                             [&](int y, const T* values) HWY_ATTR {
                               T* real = gradient_of_map(y);
                               add_to_row(level, values, element, real);
                               images_.add(tiling, tile, y, real, sum);
                             });
      }
    }
    if constexpr (lanes_are_planes<BlockSize>)
      unpack(D(), workspace_.planes, sum, size, image_gradient, size);
  }

 private:
  // The gradient that order 2 gives to |x * psi|, whose plane is inverted halfway.
  template <class Inverse>
  HWY_NOINLINE HWY_ATTR void second_paths(const PathGroup& group, const Inverse& inversion,
                                          std::span<T> sums) const {
    const auto& level = tables_.level_of(group);
    const auto& tiling = tables_.tilings[group.tiling];
    const auto& band = tables_.modulus_bands[group.scale];
    for (int block = 0; block < inversion.blocks(); ++block) {
      const int y = block * BlockSize;
      T* rows = workspace_.row(level, y, 0);
      inversion.moduli(scratch_.plane, 0, block, rows);
      spectrum_.keep_rows(level, y, rows);
    }
    spectrum_.fold(level, band, scratch_.folded);
    band.clear(scratch_.folded_gradient);
    Prefetcher none;
    for (const auto& second : tables_.groups.second[group.scale]) {
      const auto& second_level = tables_.level_of(second);
      const RowColumnInversion<D, BlockSize> of_second(workspace_, band, second, none);
      of_second.first_half(scratch_.folded, scratch_.second_plane);
      read_map(second_level, tables_.second_map(group.scale, group.angle, second.scale, second.angle));
      differentiate_rows(of_second, tiling, 0, second_level, scratch_.second_plane, 0, nullptr);
      of_second.add_first_half(scratch_.folded, scratch_.second_plane, scratch_.folded_gradient, sums);
    }
    const std::size_t columns = level.blocks * lanes;
    const T* gradient = scratch_.folded_gradient;
    spectrum_.real_plane(level, band, &gradient, 0, [&](int y, const T* values) HWY_ATTR {
      T* to = scratch_.modulus_gradient + y * columns;
      for (int x = 0; x < level.width; ++x) hn::Store(hn::Load(d_, values + x * element), d_, to + x * lanes);
    });
  }

  // From the gradient of a path's map, in Scratch::average_rows, to that of the plane inverted halfway.
  // `more` is added to the gradient of |u|, by blocks of rows; null for none.
  template <class Inverse>
  HWY_NOINLINE HWY_ATTR void differentiate_rows(const Inverse& inversion, const Tiling<T>& tiling, int tile,
                                                const Level<T>& level, T* planes, int path,
                                                const T* more) const {
    const int core_height = tiling.core(tile, level.level).height;
    for (int block = 0; block < inversion.blocks(); ++block) {
      if (!inversion.reaches(block, core_height)) {
        inversion.clear(planes, path, block);
        continue;
      }
      const int y = block * BlockSize;
      T* real = averager_.spread_rows(tiling, tile, level, y, inversion.rows_of(block));
      if (more != nullptr) add_to_row(level, more + y * std::size_t(level.blocks) * lanes, lanes, real);
      inversion.differentiate(real, planes, path, block);
    }
  }

  // A map's gradient through the vertical low-pass, into the averaged rows.
  HWY_NOINLINE HWY_ATTR void read_map(const Level<T>& level, int map) const {
    const std::size_t stride = tables_.scratch.output_stride;
    const int height = tables_.geometry.rows.output;
    const int width = tables_.geometry.columns.output;
    const T* from = gradients_ + map * workspace_.map_size();
    T* outputs = scratch_.map;
    if constexpr (lanes_are_planes<BlockSize>) {
      pack(d_, workspace_.planes, from, workspace_.features_size(), workspace_.map_size(), outputs);
    } else {
      std::fill_n(outputs, height * stride, T{0});
      for (int out = 0; out < height; ++out, from += width) std::copy_n(from, width, outputs + out * stride);
    }
    averager_.spread_columns(level);
  }

  HWY_INLINE HWY_ATTR void add_to_row(const Level<T>& level, const T* values, std::size_t step,
                                      T* real) const {
    for (int x = 0; x < level.width; ++x) add_vector(d_, hn::Load(d_, values + x * step), real + x * lanes);
  }

  const D d_ = {};
  const W& workspace_;
  const Tables<T>& tables_;
  const Scratch<T>& scratch_;
  const T* const gradients_;
  const ImageRows<D, BlockSize> images_;
  const RealSpectrum<D, BlockSize> spectrum_;
  const MapAverager<D, BlockSize> averager_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
