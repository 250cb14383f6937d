#pragma once

// Inverse DFTs of a few complex numbers in registers.

#include <numeric>

#include "core/root_of_unity.h"
#include "cuda/host_device.h"

namespace scatlight::cuda {

/// A divisor A of R by which a DFT of R points becomes DFTs of A and of R / A points: one that is coprime to
/// R / A if there is any, and the one nearest to the root of R. 1 for a prime.
constexpr int divisor_of(int R) {
  int any = 1;
  int coprime = 1;
  for (int a = 2; a * a <= R; ++a) {
    if (R % a != 0) continue;
    any = a;
    if (std::gcd(a, R / a) == 1) coprime = a;
  }
  return coprime > 1 ? coprime : any;
}

/// a exp(2 pi i K / N)
template <int K, int N, class T>
SCATLIGHT_HD Complex<T> times_root(Complex<T> a) {
  constexpr int eighths = 8 * K % N == 0 ? 8 * K / N % 8 : -1;
  if constexpr (eighths == 0) {
    return a;
  } else if constexpr (eighths == 2) {
    return {-a.im, a.re};
  } else if constexpr (eighths == 4) {
    return {-a.re, -a.im};
  } else if constexpr (eighths == 6) {
    return {a.im, -a.re};
  } else if constexpr (eighths == 1) {
    constexpr T half = static_cast<T>(root_of_unity(1, 8).re);
    return {half * (a.re - a.im), half * (a.re + a.im)};
  } else if constexpr (eighths == 3) {
    constexpr T half = static_cast<T>(root_of_unity(1, 8).re);
    return {-half * (a.re + a.im), half * (a.re - a.im)};
  } else {
    constexpr Root root = root_of_unity(K, N);
    return Complex<T>{static_cast<T>(root.re), static_cast<T>(root.im)} * a;
  }
}

template <int R, class T>
SCATLIGHT_HD void dft(Complex<T> (&x)[R]);

// An odd prime. Sums and differences of x[n] and x[R - n] halve the work.
template <int R, class T>
SCATLIGHT_HD void dft_of_prime(Complex<T> (&x)[R]) {
  constexpr int half = (R - 1) / 2;
  Complex<T> sums[half];
  Complex<T> differences[half];
  Complex<T> total = x[0];
  unroll<half>([&](auto n) {
    sums[n] = x[n + 1] + x[R - 1 - n];
    differences[n] = x[n + 1] - x[R - 1 - n];
    total += sums[n];
  });
  const Complex<T> first = x[0];
  x[0] = total;
  unroll<half>([&](auto k) {
    Complex<T> even = first;
    Complex<T> odd = {0, 0};
    unroll<half>([&](auto n) {
      constexpr Root root = root_of_unity((decltype(n)::value + 1) * (decltype(k)::value + 1), R);
      constexpr T cosine = static_cast<T>(root.re);
      constexpr T sine = static_cast<T>(root.im);
      even.re += cosine * sums[n].re;
      even.im += cosine * sums[n].im;
      odd.re += sine * differences[n].re;
      odd.im += sine * differences[n].im;
    });
    x[k + 1] = {even.re - odd.im, even.im + odd.re};
    x[R - 1 - k] = {even.re + odd.im, even.im - odd.re};
  });
}

// R = A B, coprime: with the index maps of Good and Thomas there is nothing between the two.
template <int A, int B, class T>
SCATLIGHT_HD void dft_of_coprimes(Complex<T> (&x)[A * B]) {
  constexpr int R = A * B;
  Complex<T> grid[A][B];
  unroll<A>([&](auto a) {
    unroll<B>([&](auto b) { grid[a][b] = x[(a * B + b * A) % R]; });
    dft<B>(grid[a]);
  });
  unroll<B>([&](auto b) {
    Complex<T> column[A];
    unroll<A>([&](auto a) { column[a] = grid[a][b]; });
    dft<A>(column);
    unroll<A>([&](auto a) { grid[a][b] = column[a]; });
  });
  unroll<R>([&](auto k) { x[k] = grid[k % A][k % B]; });
}

// R = A B, after Cooley and Tukey.
template <int A, int B, class T>
SCATLIGHT_HD void dft_of_product(Complex<T> (&x)[A * B]) {
  constexpr int R = A * B;
  Complex<T> grid[A][B];
  unroll<B>([&](auto b) {
    Complex<T> column[A];
    unroll<A>([&](auto a) { column[a] = x[b + B * a]; });
    dft<A>(column);
    unroll<A>([&](auto a) { grid[a][b] = times_root<decltype(a)::value* decltype(b)::value, R>(column[a]); });
  });
  unroll<A>([&](auto a) {
    dft<B>(grid[a]);
    unroll<B>([&](auto b) { x[a + A * b] = grid[a][b]; });
  });
}

/// x[k] <- sum_n x[n] exp(2 pi i n k / R), without a factor.
template <int R, class T>
SCATLIGHT_HD void dft(Complex<T> (&x)[R]) {
  constexpr int A = divisor_of(R);
  if constexpr (R == 1) {
    return;
  } else if constexpr (R == 2) {
    const Complex<T> first = x[0];
    x[0] = first + x[1];
    x[1] = first - x[1];
  } else if constexpr (A == 1) {
    dft_of_prime<R>(x);
  } else if constexpr (std::gcd(A, R / A) == 1) {
    dft_of_coprimes<A, R / A>(x);
  } else {
    dft_of_product<A, R / A>(x);
  }
}

}  // namespace scatlight::cuda
