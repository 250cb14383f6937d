// Planes in lanes: packs of them. Included once for each target.

#if defined(SCATLIGHT_CPU_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_PACK_INL_H_
#undef SCATLIGHT_CPU_PACK_INL_H_
#else
#define SCATLIGHT_CPU_PACK_INL_H_
#endif

#include <algorithm>

#include "cpu/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// `size` values of each of some planes, which stand `stride` apart, as vectors with lanes for planes. Lanes
// of no plane are zero.
template <class D>
HWY_NOINLINE HWY_ATTR void pack(D d, int planes, const Real<D>* from, std::size_t stride, std::size_t size,
                                Real<D>* to) {
  constexpr int lanes = hn::MaxLanes(D());
  std::size_t i = 0;
  if (planes == lanes) {
    for (; i + lanes <= size; i += lanes) transpose(d, from + i, stride, to + i * lanes, lanes);
  } else {
    std::fill_n(to, size * lanes, Real<D>{0});
  }
  for (; i < size; ++i) {
    for (int plane = 0; plane < planes; ++plane) to[i * lanes + plane] = from[plane * stride + i];
  }
}

// The inverse of pack.
template <class D>
HWY_NOINLINE HWY_ATTR void unpack(D d, int planes, const Real<D>* from, std::size_t size, Real<D>* to,
                                  std::size_t stride) {
  constexpr int lanes = hn::MaxLanes(D());
  std::size_t i = 0;
  if (planes == lanes) {
    for (; i + lanes <= size; i += lanes) transpose(d, from + i * lanes, lanes, to + i, stride);
  }
  for (; i < size; ++i) {
    for (int plane = 0; plane < planes; ++plane) to[plane * stride + i] = from[i * lanes + plane];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
