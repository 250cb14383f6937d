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

SCATLIGHT_HD float reciprocal_root(float x) {
#ifdef __CUDA_ARCH__
  float root;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(root) : "f"(x));  // to two units in the last place
  return root;
#else
  return 1 / std::sqrt(x);
#endif
}
SCATLIGHT_HD double reciprocal_root(double x) { return 1 / std::sqrt(x); }
SCATLIGHT_HD float square_root(float x) { return x == 0 ? 0 : x * reciprocal_root(x); }
SCATLIGHT_HD double square_root(double x) { return std::sqrt(x); }

/// Squared moduli from `least` to 1 / `least` lose nothing to the ends of T's range. Other numbers are
/// multiplied with `factor` or 1 / `factor` first.
template <class T>
struct SquareRange;
template <>
struct SquareRange<float> {
  static constexpr float least = 0x1p-100F;
  static constexpr float factor = 0x1p96F;
};
template <>
struct SquareRange<double> {
  static constexpr double least = 0x1p-800;
  static constexpr double factor = 0x1p750;
};

/// A complex number, times a power of two where its square needs that, and the squared modulus.
template <class T>
struct Squared {
  SCATLIGHT_HD explicit Squared(Complex<T> z) : value(z), square(z.re * z.re + z.im * z.im), inverse(1) {
    constexpr T least = SquareRange<T>::least;
    constexpr T factor = SquareRange<T>::factor;
    if (square >= least && square <= 1 / least) return;
    const bool is_small = square < 1;
    inverse = is_small ? 1 / factor : factor;
    value = (is_small ? factor : 1 / factor) * z;
    square = value.re * value.re + value.im * value.im;
  }

  Complex<T> value;
  T square;
  T inverse;  ///< of that power

  SCATLIGHT_HD T modulus() const { return inverse * square_root(square); }
  /// The number by its modulus; 0 for 0.
  SCATLIGHT_HD Complex<T> direction() const {
    return square == 0 ? Complex<T>{0, 0} : reciprocal_root(square) * value;  // NaN stays
  }
};

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
