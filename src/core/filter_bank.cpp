#include "core/filter_bank.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scatlight {
namespace {

// A Gaussian is taken as zero where its exponent is below minus this: exp(-80) = 2e-35.
constexpr double negligible_exponent = 80;

// Sample positions of the five periods around the origin that fit in [-radius, radius].
struct Range {
  Range(int period, double radius)
      : first(static_cast<int>(-std::min(radius, 2.0 * period))),
        last(static_cast<int>(std::min(radius, 3.0 * period - 1))) {}
  int first;
  int last;
};

int wrap(int position, int period) { return (position % period + period) % period; }

// Lowers the sampling rate of a real spectrum along the middle axis of (outer, length, inner): keeps the band
// |k| < length / 2^(level + 1), then adds up the 2^level blocks.
std::vector<double> cut_and_fold(const std::vector<double>& spectrum, int outer, int length, int inner,
                                 int level) {
  const int low_length = length >> level;
  const int half_band = low_length / 2;
  std::vector<double> folded(static_cast<std::size_t>(outer) * low_length * inner, 0.0);
  for (int o = 0; o < outer; ++o) {
    for (int k = 0; k < length; ++k) {
      if (k >= half_band && k < length - half_band) continue;
      const double* from = &spectrum[(static_cast<std::size_t>(o) * length + k) * inner];
      double* to = &folded[(static_cast<std::size_t>(o) * low_length + k % low_length) * inner];
      for (int i = 0; i < inner; ++i) to[i] += from[i];
    }
  }
  return folded;
}

}  // namespace

FilterBank::FilterBank(const ScatteringOptions& resolved, const Geometry& geometry)
    : options_(resolved),
      height_(geometry.rows.padded),
      width_(geometry.columns.padded),
      pi_(resolved.normalization == Normalization::Kymatio ? 3.1415 : std::numbers::pi) {}

double FilterBank::theta(int angle) const {
  const int middle = static_cast<int>(options_.angles - options_.angles / 2.0 - 1);
  return (middle - angle) * std::numbers::pi / options_.angles;
}

std::vector<double> FilterBank::wavelet(int scale, int angle) const {
  const double sigma = options_.sigma * std::exp2(scale);
  const double frequency = options_.center_frequency / std::exp2(scale);
  const double cosine = std::cos(theta(angle));
  const double sine = std::sin(theta(angle));
  const double squared_slant = options_.slant * options_.slant;
  const double norm = 2 * sigma * sigma;
  const double row_row = (cosine * cosine + squared_slant * sine * sine) / norm;
  const double row_column = 2 * (1 - squared_slant) * cosine * sine / norm;
  const double column_column = (sine * sine + squared_slant * cosine * cosine) / norm;
  const double determinant = row_row * column_column - row_column * row_column / 4;
  const Range rows(height_, std::sqrt(negligible_exponent * column_column / determinant));
  const Range columns(width_, std::sqrt(negligible_exponent * row_row / determinant));

  // One pass makes the Gabor filter and the Gaussian under it; the Morlet filter is a combination of the two.
  ComplexPlane gabor{height_, width_, std::vector<Fft::Complex>(static_cast<std::size_t>(height_) * width_)};
  ComplexPlane gaussian = gabor;
  Fft::Complex gabor_sum = 0;
  double gaussian_sum = 0;
  for (int u = rows.first; u <= rows.last; ++u) {
    for (int v = columns.first; v <= columns.last; ++v) {
      const double exponent = row_row * u * u + row_column * u * v + column_column * v * v;
      if (exponent > negligible_exponent) continue;
      const double envelope = std::exp(-exponent);
      const auto value = std::polar(envelope, frequency * (u * cosine + v * sine));
      const int row = wrap(u, height_);
      const int column = wrap(v, width_);
      gabor.at(row, column) += value;
      gaussian.at(row, column) += envelope;
      gabor_sum += value;
      gaussian_sum += envelope;
    }
  }
  const Fft::Complex mean = options_.wavelet == Wavelet::Morlet ? gabor_sum / gaussian_sum : Fft::Complex{0};
  const double scale_factor = options_.slant / (2 * pi_ * sigma * sigma);
  for (std::size_t i = 0; i < gabor.values.size(); ++i) {
    gabor.values[i] = (gabor.values[i] - mean * gaussian.values[i]) * scale_factor;
  }
  fft_2d(gabor);
  std::vector<double> spectrum(gabor.values.size());
  std::transform(gabor.values.begin(), gabor.values.end(), spectrum.begin(), [](auto z) { return z.real(); });
  return spectrum;
}

std::vector<double> FilterBank::psi(int scale, int angle, int level) const {
  auto spectrum = wavelet(scale, angle);
  if (level == 0) return spectrum;
  return cut_and_fold(cut_and_fold(spectrum, 1, height_, width_, level), height_ >> level, width_, 1, level);
}

std::vector<double> FilterBank::phi(const Axis& axis, int level) const {
  const double sigma = options_.sigma * std::exp2(options_.scales - 1);
  const Range range(axis.padded, sigma * std::sqrt(2 * negligible_exponent));
  std::vector<Fft::Complex> signal(axis.padded);
  for (int u = range.first; u <= range.last; ++u) {
    signal[wrap(u, axis.padded)] += std::exp(-u * u / (2 * sigma * sigma)) / std::sqrt(2 * pi_) / sigma;
  }
  std::vector<Fft::Complex> transformed(axis.padded);
  Fft(axis.padded).forward(signal.data(), 1, transformed.data());
  std::vector<double> spectrum(axis.padded);
  std::transform(transformed.begin(), transformed.end(), spectrum.begin(), [](auto z) { return z.real(); });
  return level == 0 ? spectrum : cut_and_fold(spectrum, 1, axis.padded, 1, level);
}

}  // namespace scatlight
