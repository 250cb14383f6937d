// The modulus of vectors of complex numbers, and its gradient. Included once for each target.

#if defined(SCATLIGHT_CPU_MODULUS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_MODULUS_INL_H_
#undef SCATLIGHT_CPU_MODULUS_INL_H_
#else
#define SCATLIGHT_CPU_MODULUS_INL_H_
#endif

#include <limits>

#include "cpu/dft-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class D>
HWY_INLINE HWY_ATTR hn::Vec<D> squared_modulus(Complex<D> z) {
  return hn::MulAdd(z.re, z.re, hn::Mul(z.im, z.im));
}

// Whether 1 / sqrt(x) to 14 bits and a step of Newton's take less time than a square root.
template <class D>
constexpr bool has_fast_reciprocal_root() {
  return HWY_TARGET == HWY_AVX3 && sizeof(Real<D>) == 4;
}

// About 1 / sqrt(x), and finite at 0.
template <class D>
HWY_INLINE HWY_ATTR hn::Vec<D> reciprocal_root_estimate(D d, hn::Vec<D> x) {
  return hn::ApproximateReciprocalSqrt(hn::Max(hn::Set(d, std::numeric_limits<Real<D>>::min()), x));
}

template <class D>
HWY_INLINE HWY_ATTR hn::Vec<D> modulus(D d, Complex<D> z) {
  const auto x = squared_modulus(z);
  if constexpr (has_fast_reciprocal_root<D>()) {
    const auto r = reciprocal_root_estimate(d, x);
    const auto root = hn::Mul(x, r);
    return hn::MulAdd(hn::NegMulAdd(root, root, x), hn::Mul(hn::Set(d, Real<D>{0.5}), r), root);
  } else {
    return hn::Sqrt(x);
  }
}

// g z / |z|; 0 where z is 0.
template <class D>
HWY_INLINE HWY_ATTR Complex<D> phase(D d, hn::Vec<D> g, Complex<D> z) {
  const auto x = squared_modulus(z);
  const auto is_zero = hn::Eq(x, hn::Zero(d));
  hn::Vec<D> factor;
  if constexpr (has_fast_reciprocal_root<D>()) {
    const auto r = reciprocal_root_estimate(d, x);
    const auto estimate = hn::IfThenZeroElse(is_zero, hn::Mul(g, r));
    const auto error = hn::NegMulAdd(hn::Mul(x, r), r, hn::Set(d, Real<D>{1}));
    factor = hn::MulAdd(hn::Mul(hn::Set(d, Real<D>{0.5}), estimate), error, estimate);
  } else {
    factor = hn::IfThenZeroElse(is_zero, hn::Div(g, hn::Sqrt(x)));
  }
  return scale(factor, z);
}

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
