#pragma once

// What code needs that nvcc compiles for the GPU and the host's compiler for the tests.

#include <cmath>
#include <type_traits>
#include <utility>

#ifdef __CUDACC__
#define SCATLIGHT_HD __host__ __device__ __forceinline__
#else
#define SCATLIGHT_HD inline
#endif

namespace scatlight::cuda {

template <class T>
struct alignas(2 * sizeof(T)) Complex {
  T re;
  T im;
};

template <class T>
SCATLIGHT_HD Complex<T> operator+(Complex<T> a, Complex<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
SCATLIGHT_HD Complex<T> operator-(Complex<T> a, Complex<T> b) {
  return {a.re - b.re, a.im - b.im};
}
template <class T>
SCATLIGHT_HD Complex<T> operator*(Complex<T> a, Complex<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <class T>
SCATLIGHT_HD Complex<T> operator*(T factor, Complex<T> a) {
  return {factor * a.re, factor * a.im};
}
template <class T>
SCATLIGHT_HD Complex<T>& operator+=(Complex<T>& a, Complex<T> b) {
  return a = a + b;
}
template <class T>
SCATLIGHT_HD Complex<T> conjugate(Complex<T> a) {
  return {a.re, -a.im};
}
/// Real and imaginary part exchanged: a forward DFT is an inverse one between two exchanges.
template <class T>
SCATLIGHT_HD Complex<T> exchanged(Complex<T> a) {
  return {a.im, a.re};
}

/// The smallest number that float32 holds in full precision. Squares of moduli below it, of moduli below
/// 1e-19, count as zero.
constexpr float least_square = 0x1p-126F;

SCATLIGHT_HD float reciprocal_root(float x) {
#ifdef __CUDA_ARCH__
  float root;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(root) : "f"(x));  // to two units in the last place
  return root;
#else
  return 1 / std::sqrt(x);
#endif
}
SCATLIGHT_HD float square_root(float x) { return x < least_square ? 0 : x * reciprocal_root(x); }
SCATLIGHT_HD double square_root(double x) { return std::sqrt(x); }

SCATLIGHT_HD double reciprocal_root(double x) { return 1 / std::sqrt(x); }

template <class Body, int... I>
SCATLIGHT_HD void unroll(const Body& body, std::integer_sequence<int, I...>) {
  (body(std::integral_constant<int, I>{}), ...);
}

/// body(constant 0) ... body(constant N - 1), so that arrays indexed by the constant live in registers.
template <int N, class Body>
SCATLIGHT_HD void unroll(const Body& body) {
  unroll(body, std::make_integer_sequence<int, N>{});
}

}  // namespace scatlight::cuda
