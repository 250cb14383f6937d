// The half spectrum of a real plane, read as if it were whole. Included once for each target.

#if defined(SCATLIGHT_CPU_HALF_SPECTRUM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_HALF_SPECTRUM_INL_H_
#undef SCATLIGHT_CPU_HALF_SPECTRUM_INL_H_
#else
#define SCATLIGHT_CPU_HALF_SPECTRUM_INL_H_
#endif

#include <algorithm>

#include "cpu/fft-inl.h"
#include "cpu/packing.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// Where the half spectrum of a real plane stands: its columns up to the middle, as two planes of reals, re
// and im, with the same offsets. The other columns are mirror images.
template <class D, int BlockSize>
struct HalfPlane {
  static constexpr int lanes = hn::MaxLanes(D());
  static constexpr int column_step = lanes / BlockSize;

  std::ptrdiff_t stride;
  int height;
  int width;

  // Columns [x, x + BlockSize) before the middle, after it, or else across it.
  HWY_INLINE bool is_direct(int x) const { return x + BlockSize - 1 <= width / 2; }
  HWY_INLINE bool is_mirrored(int x) const {
    return lanes_are_planes<BlockSize> ? !is_direct(x) : x > width / 2;
  }
  // Of columns [x, x + BlockSize), the lanes up to the middle.
  HWY_INLINE HWY_ATTR hn::Mask<D> up_to_middle(D d, int x) const {
    return hn::FirstN(d, std::clamp(width / 2 + 1 - x, 0, BlockSize) * column_step);
  }
  HWY_INLINE int mirrored_row(int y) const { return y == 0 ? 0 : height - y; }
  HWY_INLINE std::ptrdiff_t direct(int y, int x) const { return y * stride + x * column_step; }
  // Where the mirror image of the last of columns [x, x + BlockSize) stands; those of the others follow it,
  // in reverse order.
  HWY_INLINE std::ptrdiff_t mirrored(int y, int x) const {
    return mirrored_row(y) * stride + (width - x - (BlockSize - 1)) * column_step;
  }
  // Whether a column is its own mirror image: after the transform of rows, a real plane has real numbers
  // there.
  HWY_INLINE bool is_own_mirror(int x) const { return x == 0 || 2 * x == width; }

  static HWY_INLINE HWY_ATTR hn::Vec<D> turned(D d, hn::Vec<D> columns) {
    if constexpr (lanes_are_planes<BlockSize>) return columns;
    return hn::Reverse(d, columns);
  }
};

template <class D, int BlockSize>
struct HalfSpectrum : HalfPlane<D, BlockSize> {
  using T = Real<D>;
  using Base = HalfPlane<D, BlockSize>;
  using Base::lanes;

  const T* re;
  const T* im;

  HWY_INLINE HWY_ATTR Complex<D> direct_at(D d, int y, int x) const {
    const std::ptrdiff_t at = this->direct(y, x);
    return {hn::LoadU(d, re + at), hn::LoadU(d, im + at)};
  }
  // Columns beyond the width are anything.
  HWY_INLINE HWY_ATTR Complex<D> mirrored_at(D d, int y, int x) const {
    const std::ptrdiff_t at = this->mirrored(y, x);
    return conj(Complex<D>{Base::turned(d, hn::LoadU(d, re + at)), Base::turned(d, hn::LoadU(d, im + at))});
  }
  HWY_INLINE HWY_ATTR Complex<D> middle_at(D d, int y, int x) const {
    HWY_ALIGN T parts[2][lanes] = {};
    for (int lane = 0; lane < std::min(lanes, this->width - x); ++lane)
      copy_sample(y, x + lane, &parts[0][lane], &parts[1][lane]);
    return {hn::Load(d, parts[0]), hn::Load(d, parts[1])};
  }
  HWY_INLINE void copy_sample(int y, int x, T* to_re, T* to_im) const {
    const bool direct = x <= this->width / 2;
    const std::ptrdiff_t at =
        direct ? y * this->stride + x : this->mirrored_row(y) * this->stride + (this->width - x);
    *to_re = re[at];
    *to_im = direct ? im[at] : -im[at];
  }
};

// The gradient of a half spectrum: what the columns after the middle get goes to those whose mirror images
// they are.
template <class D, int BlockSize>
struct HalfGradient : HalfPlane<D, BlockSize> {
  using T = Real<D>;
  using Base = HalfPlane<D, BlockSize>;

  T* re;
  T* im;

  // Some lanes of columns [x, x + BlockSize) of row y.
  HWY_INLINE HWY_ATTR void add(D d, int y, int x, hn::Mask<D> used, Complex<D> z) const {
    if (!this->is_mirrored(x)) {
      const auto direct = hn::And(used, this->up_to_middle(d, x));
      add_masked(d, this->direct(y, x), direct, z);
      if (this->is_direct(x)) return;
      used = hn::AndNot(direct, used);
    }
    const hn::Vec<D> turned_re = Base::turned(d, hn::IfThenElseZero(used, z.re));
    const hn::Vec<D> turned_im = Base::turned(d, hn::IfThenElseZero(used, z.im));
    const std::ptrdiff_t at = this->mirrored(y, x);
    hn::StoreU(hn::Add(hn::LoadU(d, re + at), turned_re), d, re + at);
    hn::StoreU(hn::Sub(hn::LoadU(d, im + at), turned_im), d, im + at);
  }

 private:
  HWY_INLINE HWY_ATTR void add_masked(D d, std::ptrdiff_t at, hn::Mask<D> used, Complex<D> z) const {
    hn::StoreU(hn::Add(hn::LoadU(d, re + at), hn::IfThenElseZero(used, z.re)), d, re + at);
    hn::StoreU(hn::Add(hn::LoadU(d, im + at), hn::IfThenElseZero(used, z.im)), d, im + at);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
