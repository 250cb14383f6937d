// Blocks of lanes x lanes values, transposed. Included once for each target.

#if defined(SCATLIGHT_CPU_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_TRANSPOSE_INL_H_
#undef SCATLIGHT_CPU_TRANSPOSE_INL_H_
#else
#define SCATLIGHT_CPU_TRANSPOSE_INL_H_
#endif

#include "cpu/dft-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR
template <class D, class Row, class To>
HWY_INLINE HWY_ATTR void transpose_lines(D, const Row& row, const To& to) {
  *to(0) = *row(0);
}
#else

// A vector whose every 16 bytes come from another row: the first from row r, the next from as many rows below
// as 16 bytes hold values, and so on.
template <class D, class Row>
HWY_INLINE HWY_ATTR hn::Vec<D> load_16_bytes_each(D d, const Row& row, int r, int column) {
  if constexpr (hn::MaxLanes(d) * sizeof(Real<D>) <= 16) {
    return hn::LoadU(d, row(r) + column);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_16_bytes_each(half, row, r + static_cast<int>(hn::Lanes(half)), column),
                       load_16_bytes_each(half, row, r, column));
  }
}

// to(c)[r] = row(r)[c] for lanes x lanes values.
template <class D, class Row, class To>
HWY_INLINE HWY_ATTR void transpose_lines(D d, const Row& row, const To& to) {
  constexpr int lanes = hn::MaxLanes(d);
  constexpr int together = 16 / sizeof(Real<D>);
  for (int c = 0; c < lanes; c += together) {
    if constexpr (together == 2) {
      const auto a = load_16_bytes_each(d, row, 0, c);
      const auto b = load_16_bytes_each(d, row, 1, c);
      hn::StoreU(hn::InterleaveLower(d, a, b), d, to(c));
      hn::StoreU(hn::InterleaveUpper(d, a, b), d, to(c + 1));
    } else {
      const auto r0 = load_16_bytes_each(d, row, 0, c);
      const auto r1 = load_16_bytes_each(d, row, 1, c);
      const auto r2 = load_16_bytes_each(d, row, 2, c);
      const auto r3 = load_16_bytes_each(d, row, 3, c);
      const auto even_low = hn::InterleaveLower(d, r0, r2);
      const auto odd_low = hn::InterleaveLower(d, r1, r3);
      const auto even_high = hn::InterleaveUpper(d, r0, r2);
      const auto odd_high = hn::InterleaveUpper(d, r1, r3);
      hn::StoreU(hn::InterleaveLower(d, even_low, odd_low), d, to(c));
      hn::StoreU(hn::InterleaveUpper(d, even_low, odd_low), d, to(c + 1));
      hn::StoreU(hn::InterleaveLower(d, even_high, odd_high), d, to(c + 2));
      hn::StoreU(hn::InterleaveUpper(d, even_high, odd_high), d, to(c + 3));
    }
  }
}
#endif

// Lines `from_stride` and `to_stride` values apart.
template <class D>
HWY_INLINE HWY_ATTR void transpose(D d, const Real<D>* from, std::size_t from_stride, Real<D>* to,
                                   std::size_t to_stride) {
  transpose_lines(
      d, [=](int r) SCATLIGHT_LAMBDA { return from + r * from_stride; },
      [=](int c) SCATLIGHT_LAMBDA { return to + c * to_stride; });
}

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
