#include "core/fft.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scatlight {
namespace {

int smallest_prime_factor(int n) {
  for (int p = 2; p * p <= n; ++p) {
    if (n % p == 0) return p;
  }
  return n;
}

// Without operator*'s repair of infinite products, which takes longer than the product.
std::complex<double> product(std::complex<double> a, std::complex<double> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace

Fft::Fft(int length) : length_(length), roots_(length) {
  for (int k = 0; k < length; ++k) roots_[k] = std::polar(1.0, -2 * std::numbers::pi * k / length);
}

void Fft::forward(const Complex* in, int stride, Complex* out) const {
  std::vector<Complex> scratch(length_);
  recurse(in, stride, out, length_, scratch.data());
}

void Fft::recurse(const Complex* in, int stride, Complex* out, int length, Complex* twiddled) const {
  if (length == 1) {
    out[0] = in[0];
    return;
  }
  const int radix = smallest_prime_factor(length);
  const int part = length / radix;
  for (int r = 0; r < radix; ++r) recurse(in + r * stride, stride * radix, out + r * part, part, twiddled);

  const int step = length_ / length;  // roots_ are those of the whole length
  std::copy_n(out, part, twiddled);
  for (int r = 1; r < radix; ++r) {
    for (int k = 0; k < part; ++k) twiddled[r * part + k] = product(roots_[r * k * step], out[r * part + k]);
  }
  for (int q = 0; q < radix; ++q) {
    Complex* sums = out + q * part;
    std::copy_n(twiddled, part, sums);
    for (int r = 1; r < radix; ++r) {
      const Complex root = roots_[r * q % radix * part * step];
      for (int k = 0; k < part; ++k) sums[k] += product(root, twiddled[r * part + k]);
    }
  }
}

void fft_2d(ComplexPlane& plane) {
  const Fft along_rows(plane.width);
  const Fft along_columns(plane.height);
  std::vector<Fft::Complex> line(std::max(plane.width, plane.height));
  for (int row = 0; row < plane.height; ++row) {
    along_rows.forward(&plane.at(row, 0), 1, line.data());
    std::copy_n(line.begin(), plane.width, &plane.at(row, 0));
  }
  for (int column = 0; column < plane.width; ++column) {
    along_columns.forward(&plane.at(0, column), plane.width, line.data());
    for (int row = 0; row < plane.height; ++row) plane.at(row, column) = line[row];
  }
}

void inverse_fft_2d(ComplexPlane& plane) {
  for (auto& value : plane.values) value = std::conj(value);
  fft_2d(plane);
  const double scale = 1.0 / (static_cast<double>(plane.height) * plane.width);
  for (auto& value : plane.values) value = std::conj(value) * scale;
}

}  // namespace scatlight
