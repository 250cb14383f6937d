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

}  // namespace

Fft::Fft(int length) : length_(length), roots_(length) {
  for (int k = 0; k < length; ++k) roots_[k] = std::polar(1.0, -2 * std::numbers::pi * k / length);
}

void Fft::forward(const Complex* in, int stride, Complex* out) const { recurse(in, stride, out, length_); }

void Fft::recurse(const Complex* in, int stride, Complex* out, int length) const {
  if (length == 1) {
    out[0] = in[0];
    return;
  }
  const int radix = smallest_prime_factor(length);
  const int part = length / radix;
  for (int r = 0; r < radix; ++r) recurse(in + r * stride, stride * radix, out + r * part, part);

  const int step = length_ / length;  // roots_ are those of the whole length
  std::vector<Complex> twiddled(radix);
  for (int k = 0; k < part; ++k) {
    for (int r = 0; r < radix; ++r) twiddled[r] = out[r * part + k] * roots_[r * k * step];
    for (int q = 0; q < radix; ++q) {
      Complex sum = twiddled[0];
      for (int r = 1; r < radix; ++r) sum += twiddled[r] * roots_[r * q % radix * part * step];
      out[q * part + k] = sum;
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
