#pragma once

#include <complex>
#include <vector>

namespace scatlight {

/// Discrete Fourier transform of any length in float64, by the textbook recursion over prime factors. It
/// serves the filter bank and the reference engine, where being plainly right matters more than speed; the
/// fast engines have kernels of their own.
class Fft {
 public:
  using Complex = std::complex<double>;

  explicit Fft(int length);

  /// out[k] = sum_n in[n * stride] exp(-2 pi i n k / length). `out` has `length` contiguous elements and may
  /// not overlap `in`.
  void forward(const Complex* in, int stride, Complex* out) const;

 private:
  void recurse(const Complex* in, int stride, Complex* out, int length, Complex* twiddled) const;

  int length_;
  std::vector<Complex> roots_;  // exp(-2 pi i k / length)
};

/// A plane of complex samples, row-major.
struct ComplexPlane {
  int height = 0;
  int width = 0;
  std::vector<Fft::Complex> values;

  Fft::Complex& at(int row, int column) { return values[static_cast<std::size_t>(row) * width + column]; }
  const Fft::Complex& at(int row, int column) const {
    return values[static_cast<std::size_t>(row) * width + column];
  }
};

/// Two-dimensional transforms in place. The inverse divides by the number of samples.
void fft_2d(ComplexPlane& plane);
void inverse_fft_2d(ComplexPlane& plane);

}  // namespace scatlight
