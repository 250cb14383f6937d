#include "core/filter_bank.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scatlight {
namespace {

// A Gaussian is taken as zero where its exponent is below minus this: exp(-80) = 2e-35 in space, where five
// periods add up, and exp(-40) = 4e-18 of the peak in frequency.
constexpr double negligible_in_space = 80;
constexpr double negligible_in_frequency = 40;

// Sample positions of the five periods around the origin that fit in [-radius, radius].
struct Positions {
  Positions(int period, double radius)
      : first(static_cast<int>(-std::min(radius, 2.0 * period))),
        last(static_cast<int>(std::min(radius, 3.0 * period - 1))) {}
  int first;
  int last;
};

int wrap(int position, int period) { return (position % period + period) % period; }

// The index in the whole spectrum of index k of the lower band, -1 where the band is cut: it keeps
// |k| < length / 2^(level + 1).
int source_of(int k, int length, int level) {
  const int low_length = length >> level;
  const int half_band = low_length / 2;
  if (level == 0 || k < half_band) return k;
  return k >= low_length - half_band ? length - low_length + k : -1;
}

// The index of theta = 0.
int angle_of_zero(int angles) { return static_cast<int>(angles - angles / 2.0 - 1); }

}  // namespace

// ---- one wavelet ----

void WaveletSpectrum::column(int k, std::span<double> values) const {
  if (!by_columns_.empty()) {
    std::copy_n(by_columns_.begin() + static_cast<std::ptrdiff_t>(k) * height_, height_, values.begin());
    return;
  }
  std::fill(values.begin(), values.end(), 0.0);
  for (const auto& bump : bumps_) add_bump_column(bump, k, values);
}

// All repetitions of the bump, every 2 pi. On a column, with v fixed, the exponent is a parabola in u. From
// one sample to the next the Gaussian changes by a factor that itself changes by a constant factor, so a
// column takes a handful of exponentials; starting at its largest sample, the rounding errors fall with the
// values.
void WaveletSpectrum::add_bump_column(const Bump& bump, int k, std::span<double> values) const {
  const double row_step = 2 * std::numbers::pi / height_;
  const double column_step = 2 * std::numbers::pi / width_;
  // On the ridge u = -b v / a the exponent is -v^2 (c - b^2 / a) / 4.
  const double ridge = (c_ - b_ * b_ / a_) / 4;
  const double reach = std::sqrt(negligible_in_frequency / ridge);
  const auto first =
      static_cast<int>(std::ceil((bump.center_column - reach - k * column_step) / (column_step * width_)));
  const auto last =
      static_cast<int>(std::floor((bump.center_column + reach - k * column_step) / (column_step * width_)));
  const double second_factor = std::exp(-a_ * row_step * row_step / 2);
  for (int period = first; period <= last; ++period) {
    const double v = (k + static_cast<double>(period) * width_) * column_step - bump.center_column;
    const double peak_row = bump.center_row - b_ * v / a_;
    const auto start = static_cast<int>(std::lround(peak_row / row_step));
    const double half_width = std::sqrt((negligible_in_frequency - v * v * ridge) * 4 / a_);
    const int lowest = static_cast<int>(std::ceil((peak_row - half_width) / row_step));
    const int highest = static_cast<int>(std::floor((peak_row + half_width) / row_step));

    const double u = start * row_step - bump.center_row;
    const double value = bump.amplitude * std::exp(-(a_ * u * u + 2 * b_ * u * v + c_ * v * v) / 4);
    const auto add_from = [&](int row, int direction, double slope, double first_value) {
      const double step = direction * row_step;
      double factor = std::exp(-(slope * step + a_ * step * step / 4));
      double at = first_value;
      int index = wrap(row, height_);
      for (; direction > 0 ? row <= highest : row >= lowest; row += direction) {
        values[index] += at;
        at *= factor;
        factor *= second_factor;
        index += direction;
        if (index == height_) index = 0;
        if (index < 0) index = height_ - 1;
      }
    };
    const double slope = (a_ * u + b_ * v) / 2;
    add_from(start, 1, slope, value);
    const double factor_down = std::exp(-(-slope * row_step + a_ * row_step * row_step / 4));
    add_from(start - 1, -1, slope - a_ * row_step / 2, value * factor_down);
  }
}

// ---- the bank ----

// A wavelet in space: exp(-(row_row u^2 + 2 row_column u v + column_column v^2)) times the wave, times
// `factor`.
struct FilterBank::Shape {
  double cosine;
  double sine;
  double frequency;
  double row_row;
  double row_column;
  double column_column;
  double determinant;
  double factor;
};

FilterBank::FilterBank(const ScatteringOptions& resolved, const Geometry& geometry)
    : options_(resolved),
      height_(geometry.rows.padded),
      width_(geometry.columns.padded),
      pi_(resolved.normalization == Normalization::Kymatio ? 3.1415 : std::numbers::pi) {}

double FilterBank::theta(int angle, int angles) {
  return (angle_of_zero(angles) - angle) * std::numbers::pi / angles;
}

int FilterBank::opposite_angle(int angle) const {
  const int opposite = 2 * angle_of_zero(options_.angles) - angle;
  return opposite >= 0 && opposite < options_.angles ? opposite : angle;
}

FilterBank::Shape FilterBank::shape(int scale, int angle) const {
  const double sigma = options_.sigma * std::exp2(scale);
  const double cosine = std::cos(theta(angle));
  const double sine = std::sin(theta(angle));
  const double squared_slant = options_.slant * options_.slant;
  const double norm = 2 * sigma * sigma;
  Shape shape{.cosine = cosine,
              .sine = sine,
              .frequency = options_.center_frequency / std::exp2(scale),
              .row_row = (cosine * cosine + squared_slant * sine * sine) / norm,
              .row_column = (1 - squared_slant) * cosine * sine / norm,
              .column_column = (sine * sine + squared_slant * cosine * cosine) / norm,
              .determinant = squared_slant / (norm * norm),
              .factor = options_.slant / (2 * pi_ * sigma * sigma)};
  return shape;
}

WaveletSpectrum FilterBank::wavelet(int scale, int angle) const {
  const auto s = shape(scale, angle);
  // The exponent where the five periods end, at its least along each edge.
  const double at_row_edge = 4.0 * height_ * height_ * s.determinant / s.column_column;
  const double at_column_edge = 4.0 * width_ * width_ * s.determinant / s.row_row;
  if (std::min(at_row_edge, at_column_edge) < negligible_in_frequency)
    return wavelet_made_in_space(scale, angle);

  WaveletSpectrum wavelet;
  wavelet.height_ = height_;
  wavelet.width_ = width_;
  wavelet.a_ = s.column_column / s.determinant;
  wavelet.b_ = -s.row_column / s.determinant;
  wavelet.c_ = s.row_row / s.determinant;
  const double amplitude = s.factor * std::numbers::pi / std::sqrt(s.determinant);
  wavelet.bumps_ = {{s.frequency * s.cosine, s.frequency * s.sine, amplitude}};
  if (options_.wavelet == Wavelet::Morlet) {
    // The means of the wave and of the Gaussian are their spectra at zero.
    std::vector<double> column(height_);
    wavelet.column(0, column);
    const double mean = column[0];
    WaveletSpectrum gaussian = wavelet;
    gaussian.bumps_ = {{0, 0, amplitude}};
    gaussian.column(0, column);
    wavelet.bumps_.push_back({0, 0, -amplitude * mean / column[0]});
  }
  return wavelet;
}

WaveletSpectrum FilterBank::wavelet_made_in_space(int scale, int angle) const {
  const auto s = shape(scale, angle);
  const Positions rows(height_, std::sqrt(negligible_in_space * s.column_column / s.determinant));
  const Positions columns(width_, std::sqrt(negligible_in_space * s.row_row / s.determinant));

  // One pass makes the Gabor filter and the Gaussian under it; the Morlet filter is a combination of the two.
  // Transposed, so that columns of the spectrum are contiguous.
  ComplexPlane gabor{width_, height_, std::vector<Fft::Complex>(static_cast<std::size_t>(height_) * width_)};
  ComplexPlane gaussian = gabor;
  Fft::Complex gabor_sum = 0;
  double gaussian_sum = 0;
  for (int u = rows.first; u <= rows.last; ++u) {
    for (int v = columns.first; v <= columns.last; ++v) {
      const double exponent = s.row_row * u * u + 2 * s.row_column * u * v + s.column_column * v * v;
      if (exponent > negligible_in_space) continue;
      const double envelope = std::exp(-exponent);
      const auto value = std::polar(envelope, s.frequency * (u * s.cosine + v * s.sine));
      const int row = wrap(u, height_);
      const int column = wrap(v, width_);
      gabor.at(column, row) += value;
      gaussian.at(column, row) += envelope;
      gabor_sum += value;
      gaussian_sum += envelope;
    }
  }
  const Fft::Complex mean = options_.wavelet == Wavelet::Morlet ? gabor_sum / gaussian_sum : Fft::Complex{0};
  for (std::size_t i = 0; i < gabor.values.size(); ++i) {
    gabor.values[i] = (gabor.values[i] - mean * gaussian.values[i]) * s.factor;
  }
  fft_2d(gabor);
  WaveletSpectrum wavelet;
  wavelet.height_ = height_;
  wavelet.width_ = width_;
  wavelet.by_columns_.resize(gabor.values.size());
  std::transform(gabor.values.begin(), gabor.values.end(), wavelet.by_columns_.begin(),
                 [](auto z) { return z.real(); });
  return wavelet;
}

void FilterBank::psi_column(const WaveletSpectrum& wavelet, int level, int column, std::span<double> whole,
                            std::span<double> values) const {
  const int source = source_of(column, width_, level);
  if (source < 0) {
    std::fill(values.begin(), values.end(), 0.0);
    return;
  }
  wavelet.column(source, whole);
  for (int row = 0; row < height_ >> level; ++row) {
    const int from = source_of(row, height_, level);
    values[row] = from < 0 ? 0 : whole[from];
  }
}

std::vector<double> FilterBank::psi(int scale, int angle, int level) const {
  const int height = height_ >> level;
  const int width = width_ >> level;
  const auto wavelet = this->wavelet(scale, angle);
  std::vector<double> spectrum(static_cast<std::size_t>(height) * width);
  std::vector<double> whole(height_);
  std::vector<double> values(height);
  for (int column = 0; column < width; ++column) {
    psi_column(wavelet, level, column, whole, values);
    for (int row = 0; row < height; ++row)
      spectrum[static_cast<std::size_t>(row) * width + column] = values[row];
  }
  return spectrum;
}

std::vector<double> FilterBank::phi(const Axis& axis, int level) const {
  const double sigma = options_.sigma * std::exp2(options_.scales - 1);
  const Positions range(axis.padded, sigma * std::sqrt(2 * negligible_in_space));
  std::vector<Fft::Complex> signal(axis.padded);
  for (int u = range.first; u <= range.last; ++u) {
    signal[wrap(u, axis.padded)] += std::exp(-u * u / (2 * sigma * sigma)) / std::sqrt(2 * pi_) / sigma;
  }
  std::vector<Fft::Complex> transformed(axis.padded);
  Fft(axis.padded).forward(signal.data(), 1, transformed.data());
  std::vector<double> spectrum(axis.padded >> level);
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    const int source = source_of(static_cast<int>(k), axis.padded, level);
    spectrum[k] = source < 0 ? 0 : transformed[source].real();
  }
  return spectrum;
}

std::vector<double> FilterBank::phi(int level) const {
  const auto rows = phi(Axis{.padded = height_}, level);
  const auto columns = phi(Axis{.padded = width_}, level);
  std::vector<double> spectrum;
  spectrum.reserve(rows.size() * columns.size());
  for (const double row : rows) {
    for (const double column : columns) spectrum.push_back(row * column);
  }
  return spectrum;
}

}  // namespace scatlight
