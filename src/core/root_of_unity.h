#pragma once

#include <numbers>

namespace scatlight {

/// A point of the unit circle.
struct Root {
  double re;
  double im;
};

/// exp(2 pi i k / n), k >= 0, at compile time too: from the Taylor series around the nearest multiple of pi
/// / 2.
constexpr Root root_of_unity(int k, int n) {
  k %= n;
  const int quadrant = (4 * k + n / 2) / n;  // nearest quarter turn
  const double x = 2 * std::numbers::pi * (4.0 * k - static_cast<double>(quadrant) * n) / (4.0 * n);
  double cosine = 0;
  double sine = 0;
  double term = 1;
  for (int i = 0; i < 30; ++i) {
    const double sign = i % 4 < 2 ? 1 : -1;
    (i % 2 == 0 ? cosine : sine) += sign * term;
    term *= x / (i + 1);
  }
  switch (quadrant % 4) {
    case 0:
      return {cosine, sine};
    case 1:
      return {-sine, cosine};
    case 2:
      return {-cosine, -sine};
    default:
      return {sine, -cosine};
  }
}

}  // namespace scatlight
