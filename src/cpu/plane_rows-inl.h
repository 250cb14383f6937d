// The rows of x * psi and its modulus, and their adjoint. Included once for each target.

#if defined(SCATLIGHT_CPU_PLANE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_PLANE_ROWS_INL_H_
#undef SCATLIGHT_CPU_PLANE_ROWS_INL_H_
#else
#define SCATLIGHT_CPU_PLANE_ROWS_INL_H_
#endif

#include <algorithm>

#include "cpu/modulus-inl.h"
#include "cpu/prefetch.h"
#include "cpu/transpose-inl.h"
#include "cpu/workspace-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class D>
struct ModulusSink {
  Real<D>* row;
  const std::ptrdiff_t* offsets;

  HWY_INLINE HWY_ATTR void store(D d, int position, int, Complex<D> z) const {
    hn::Store(modulus(d, z), d, row + offsets[position]);
  }
};

// phase() of u.
template <class D>
struct PhaseSink {
  const Real<D>* gradient;        // reals
  const std::ptrdiff_t* offsets;  // of the reals
  PlacedElements<D> elements;

  HWY_INLINE HWY_ATTR void store(D d, int position, int index, Complex<D> u) const {
    const auto g = hn::Load(d, gradient + offsets[position]);
    elements.store(d, position, index, phase(d, g, u));
  }
};

// Rows [y, y + BlockSize) of a plane whose columns are transformed.
template <class D, int BlockSize>
class PlaneRows {
  using W = Workspace<D, BlockSize>;
  using T = Real<D>;
  static constexpr int lanes = W::lanes;
  static constexpr std::size_t element = W::element;

 public:
  PlaneRows(const W& workspace, Prefetcher& prefetcher) : workspace_(workspace), prefetcher_(prefetcher) {}

  // |x * psi|.
  HWY_INLINE HWY_ATTR void moduli(const Level<T>& level, T* plane, int y, T* to) const {
    fft_of_line<Direction::Inverse>(level, load(level, plane, y),
                                    ModulusSink<D>{to, level.row_output.data()});
  }

  // From the gradient g of |u|, with the columns of u in the plane: those of the transform of g u / |u|
  // in their place.
  HWY_INLINE HWY_ATTR void differentiate(const Level<T>& level, const T* gradient, T* plane, int y) const {
    T* line = load(level, plane, y);
    T* turned = workspace_.scratch.pair;  // a line too
    fft_of_line<Direction::Inverse>(
        level, line, PhaseSink<D>{gradient, level.row_output.data(), {turned, level.line_output.data()}});
    fft_of_line<Direction::Forward>(level, turned, PlacedElements<D>{line, level.line_output.data()});
    if constexpr (lanes_are_planes<BlockSize>) return;
    T* to = rows(level, plane, y);
    for (int block = 0; block < level.blocks;
         ++block, line += level.line_block_stride, to += W::block_values) {
      transpose(d_, line, element, to, element);
      transpose(d_, line + lanes, element, to + lanes, element);
    }
  }

  HWY_INLINE void clear(const Level<T>& level, T* plane, int y) const {
    std::fill_n(rows(level, plane, y), level.blocks * W::block_values, T{0});
  }

 private:
  static HWY_INLINE T* rows(const Level<T>& level, T* plane, int y) {
    return plane + y / BlockSize * level.row_block_stride;
  }

  // As a line.
  HWY_INLINE HWY_ATTR T* load(const Level<T>& level, T* plane, int y) const {
    T* from = rows(level, plane, y);
    if constexpr (lanes_are_planes<BlockSize>) return from;
    T* line = workspace_.scratch.line;
    for (int block = 0; block < level.blocks;
         ++block, from += W::block_values, line += level.line_block_stride) {
      transpose(d_, from, element, line, element);
      transpose(d_, from + lanes, element, line + lanes, element);
      prefetcher_.step();
    }
    return workspace_.scratch.line;
  }

  // The line is lost where planes are not in lanes: it is transformed in place up to the last stage where two
  // lines are too much for the L1 cache.
  template <Direction direction, class Sink>
  HWY_INLINE HWY_ATTR void fft_of_line(const Level<T>& level, T* line, const Sink& sink) const {
    const std::ptrdiff_t* input = level.line_input.data();
    const PlacedElements<D> source{line, input};
    T* prime = workspace_.scratch.prime;
    if constexpr (!lanes_are_planes<BlockSize> && lanes * sizeof(T) >= 64) {
      transform<direction>(d_, level.along_rows, source, InPlace<D>{line, input, level.line_work.data()},
                           prime, sink);
    } else {
      transform<direction>(d_, level.along_rows, source, Buffer<D>{workspace_.scratch.work}, prime, sink);
    }
  }

  const D d_ = {};
  const W& workspace_;
  Prefetcher& prefetcher_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
