// Small inverse DFTs of vectors of lanes, each lane a transform of its own. Included once for each
// target.

#if defined(SCATLIGHT_CPU_DFT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_DFT_INL_H_
#undef SCATLIGHT_CPU_DFT_INL_H_
#else
#define SCATLIGHT_CPU_DFT_INL_H_
#endif

#include <hwy/highway.h>

#include <numeric>
#include <utility>

#include "core/inverse_modulo.h"
#include "core/root_of_unity.h"

#ifndef SCATLIGHT_LAMBDA
#define SCATLIGHT_LAMBDA HWY_ATTR __attribute__((always_inline))
#endif

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A vector of complex numbers.
template <class D>
struct Complex {
  hn::Vec<D> re;
  hn::Vec<D> im;
};

template <class D>
using Real = hn::TFromD<D>;

template <class Body, std::size_t... I>
HWY_INLINE HWY_ATTR void unroll(const Body& body, std::index_sequence<I...>) {
  (body(std::integral_constant<int, static_cast<int>(I)>{}), ...);
}

// body(constant 0) ... body(constant N - 1), so that arrays indexed by the constant live in registers.
template <int N, class Body>
HWY_INLINE HWY_ATTR void unroll(const Body& body) {
  unroll(body, std::make_index_sequence<N>());
}

// body(constant) with the smaller of the count and Most.
template <int Most, class Body>
HWY_INLINE HWY_ATTR void with_count(int count, const Body& body) {
  if constexpr (Most > 0) {
    if (count < Most) return with_count<Most - 1>(count, body);
  }
  body(std::integral_constant<int, Most>{});
}

template <class D>
HWY_INLINE HWY_ATTR Complex<D> operator+(Complex<D> a, Complex<D> b) {
  return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}
template <class D>
HWY_INLINE HWY_ATTR Complex<D> operator-(Complex<D> a, Complex<D> b) {
  return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}
template <class D>
HWY_INLINE HWY_ATTR Complex<D> operator-(Complex<D> a) {
  return {hn::Neg(a.re), hn::Neg(a.im)};
}
template <class D>
HWY_INLINE HWY_ATTR Complex<D> conj(Complex<D> a) {
  return {a.re, hn::Neg(a.im)};
}
// r a with a real factor
template <class D>
HWY_INLINE HWY_ATTR Complex<D> scale(hn::Vec<D> r, Complex<D> a) {
  return {hn::Mul(r, a.re), hn::Mul(r, a.im)};
}
// Exchanges real and imaginary parts.
template <class D>
HWY_INLINE HWY_ATTR Complex<D> exchange(Complex<D> a) {
  return {a.im, a.re};
}
template <class D>
HWY_INLINE HWY_ATTR Complex<D> zero(D d) {
  return {hn::Zero(d), hn::Zero(d)};
}
// a + i b and a - i b
template <class D>
HWY_INLINE HWY_ATTR Complex<D> add_i(Complex<D> a, Complex<D> b) {
  return {hn::Sub(a.re, b.im), hn::Add(a.im, b.re)};
}
template <class D>
HWY_INLINE HWY_ATTR Complex<D> sub_i(Complex<D> a, Complex<D> b) {
  return {hn::Add(a.re, b.im), hn::Sub(a.im, b.re)};
}
// a + r b with a real factor
template <class D>
HWY_INLINE HWY_ATTR Complex<D> add_scaled(Complex<D> a, hn::Vec<D> r, Complex<D> b) {
  return {hn::MulAdd(r, b.re, a.re), hn::MulAdd(r, b.im, a.im)};
}
template <class D>
HWY_INLINE HWY_ATTR Complex<D> rotate(Complex<D> a, hn::Vec<D> re, hn::Vec<D> im) {
  return {hn::NegMulAdd(a.im, im, hn::Mul(a.re, re)), hn::MulAdd(a.re, im, hn::Mul(a.im, re))};
}

// a exp(2 pi i K / N)
template <int K, int N, class D>
HWY_INLINE HWY_ATTR Complex<D> multiply_by_root(D d, Complex<D> a) {
  constexpr int eighths = 8 * K % N == 0 ? 8 * K / N % 8 : -1;
  if constexpr (eighths == 0) {
    return a;
  } else if constexpr (eighths == 2) {
    return {hn::Neg(a.im), a.re};
  } else if constexpr (eighths == 4) {
    return -a;
  } else if constexpr (eighths == 6) {
    return {a.im, hn::Neg(a.re)};
  } else if constexpr (eighths == 1 || eighths == 3) {
    const auto half = hn::Set(d, static_cast<Real<D>>(std::numbers::sqrt2 / 2));
    const auto difference = hn::Mul(half, hn::Sub(a.re, a.im));
    const auto sum = hn::Mul(half, hn::Add(a.re, a.im));
    if constexpr (eighths == 1) return {difference, sum};
    return {hn::Neg(sum), difference};
  } else {
    constexpr Root root = root_of_unity(K, N);
    return rotate(a, hn::Set(d, static_cast<Real<D>>(root.re)), hn::Set(d, static_cast<Real<D>>(root.im)));
  }
}

// The factor that a composite DFT splits off first: all of an n without the factors 2 and 3.
constexpr int first_factor(int n) {
  if (n % 4 == 0 && n > 4 && n != 8) return 4;
  if (n % 3 == 0) return 3;
  return n % 2 == 0 ? 2 : n;
}

// The DFT of N elements, of any N; costs.h lists those that FFTs are made of.
template <int N>
struct Dft;

template <>
struct Dft<1> {
  template <class D>
  static HWY_INLINE HWY_ATTR void run(D, Complex<D>*) {}
};

template <>
struct Dft<2> {
  template <class D>
  static HWY_INLINE HWY_ATTR void run(D, Complex<D>* x) {
    const auto a = x[0];
    const auto b = x[1];
    x[0] = a + b;
    x[1] = a - b;
  }
};

template <>
struct Dft<4> {
  template <class D>
  static HWY_INLINE HWY_ATTR void run(D, Complex<D>* x) {
    const auto sum02 = x[0] + x[2];
    const auto difference02 = x[0] - x[2];
    const auto sum13 = x[1] + x[3];
    const auto difference13 = x[1] - x[3];
    x[0] = sum02 + sum13;
    x[1] = add_i(difference02, difference13);
    x[2] = sum02 - sum13;
    x[3] = sub_i(difference02, difference13);
  }
};

// Odd N, for those without a factor 3: X_k and X_{N-k} share the sums over x_j + x_{N-j} and x_j - x_{N-j}.
template <int N>
struct PrimeDft {
  template <class D>
  static HWY_INLINE HWY_ATTR void run(D d, Complex<D>* x) {
    constexpr int half = (N - 1) / 2;
    Complex<D> sums[half];
    Complex<D> differences[half];
    const auto origin = x[0];
    unroll<half>([&](auto j) SCATLIGHT_LAMBDA {
      sums[j] = x[j + 1] + x[N - 1 - j];
      differences[j] = x[j + 1] - x[N - 1 - j];
      x[0] = x[0] + sums[j];
    });
    unroll<half>([&](auto k) SCATLIGHT_LAMBDA {
      Complex<D> even = origin;
      Complex<D> odd;
      unroll<half>([&](auto j) SCATLIGHT_LAMBDA {
        constexpr Root root = root_of_unity((decltype(j)::value + 1) * (decltype(k)::value + 1), N);
        const auto cosine = hn::Set(d, static_cast<Real<D>>(root.re));
        const auto sine = hn::Set(d, static_cast<Real<D>>(root.im));
        even = add_scaled(even, cosine, sums[j]);
        if constexpr (decltype(j)::value == 0) {
          odd = scale(sine, differences[j]);
        } else {
          odd = add_scaled(odd, sine, differences[j]);
        }
      });
      x[k + 1] = add_i(even, odd);
      x[N - 1 - k] = sub_i(even, odd);
    });
  }
};

// N = A B: prime-factor (Good and Thomas), without twiddle factors, where A and B are coprime; Cooley and
// Tukey elsewhere.
template <int N>
struct CompositeDft {
  template <class D>
  static HWY_INLINE HWY_ATTR void run(D d, Complex<D>* x) {
    constexpr int a = first_factor(N);
    constexpr int b = N / a;
    constexpr bool coprime = std::gcd(a, b) == 1;
    Complex<D> rows[N];  // (a, b)
    unroll<b>([&](auto n) SCATLIGHT_LAMBDA {
      Complex<D> column[a];
      unroll<a>([&](auto q) SCATLIGHT_LAMBDA { column[q] = x[coprime ? (b * q + a * n) % N : n + b * q]; });
      Dft<a>::run(d, column);
      unroll<a>([&](auto k) SCATLIGHT_LAMBDA {
        if constexpr (coprime) {
          rows[k * b + n] = column[k];
        } else {
          rows[k * b + n] = multiply_by_root<decltype(k)::value* decltype(n)::value, N>(d, column[k]);
        }
      });
    });
    unroll<a>([&](auto k) SCATLIGHT_LAMBDA {
      Dft<b>::run(d, &rows[k * b]);
      unroll<b>([&](auto m) SCATLIGHT_LAMBDA {
        constexpr int of_a = b * inverse_modulo(b % a, a);
        constexpr int of_b = a * inverse_modulo(a % b, b);
        x[coprime ? (of_a * k + of_b * m) % N : k + a * m] = rows[k * b + m];
      });
    });
  }
};

template <int N>
struct Dft : std::conditional_t<first_factor(N) == N, PrimeDft<N>, CompositeDft<N>> {};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
