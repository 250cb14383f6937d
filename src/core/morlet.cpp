#include "core/morlet.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>
#include <type_traits>
#include <utility>

#include "core/fft.h"
#include "core/periods.h"

namespace scatlight {
namespace {

// A Gaussian is taken as zero where its exponent is below minus this, 4e-18 of the peak in frequency.
constexpr double negligible_in_frequency = 40;

constexpr std::array numbers = {&WaveletShape::theta, &WaveletShape::xi, &WaveletShape::sigma,
                                &WaveletShape::slant};

}  // namespace

// ---- spectra ----

WaveletSpectrum::WaveletSpectrum(int height, int width, double a, double b, double c)
    : height_(height), width_(width), a_(a), b_(b), c_(c) {
  const double row_step = 2 * std::numbers::pi / height;
  second_factor_ = std::exp(-a * row_step * row_step / 2);
}

void WaveletSpectrum::column(int k, std::span<double> values) const {
  if (!by_columns_.empty()) {
    std::copy_n(by_columns_.begin() + static_cast<std::ptrdiff_t>(k) * height_, height_, values.begin());
    return;
  }
  std::fill(values.begin(), values.end(), 0.0);
  for (const auto& bump : bumps_) {
    visit_bump_column(bump, k, [&](int index, const double* of_bump, auto count, double, double) {
      for (int i = 0; i < count; ++i) values[index + i] += of_bump[i];
    });
  }
}

// take(index, values, count, u, v) with all repetitions of the bump, every 2 pi: `count`, which the compiler
// knows, values from an index on, the first of which is at the distance (u, v).
//
// On a column, with v fixed, the exponent is a parabola in u. From one sample to the next the Gaussian
// changes by a factor that itself changes by a constant factor, so a column takes a handful of exponentials;
// starting at its largest sample, the rounding errors fall with the values. Eight samples at a time go eight
// further, as one alone would wait for the one before it.
template <class Take>
void WaveletSpectrum::visit_bump_column(const Bump& bump, int k, const Take& take) const {
  constexpr int together = 8;
  const double row_step = 2 * std::numbers::pi / height_;
  const double column_step = 2 * std::numbers::pi / width_;
  // On the ridge u = -b v / a the exponent is -v^2 (c - b^2 / a) / 4.
  const double ridge = (c_ - b_ * b_ / a_) / 4;
  const double reach = std::sqrt(negligible_in_frequency / ridge);
  const auto first =
      static_cast<int>(std::ceil((bump.center_column - reach - k * column_step) / (column_step * width_)));
  const auto last =
      static_cast<int>(std::floor((bump.center_column + reach - k * column_step) / (column_step * width_)));
  // The changes of the factors of one sample, from one to the next, and of eight, over one and over eight.
  // (Powers of q would have many times its rounding error.)
  const double q = second_factor_;
  const double exponent = -a_ * row_step * row_step / 2;
  const double q_8 = std::exp(8 * exponent);
  const double q_28 = std::exp(28 * exponent);
  const double q_64 = std::exp(64 * exponent);
  for (int period = first; period <= last; ++period) {
    const double v = (k + static_cast<double>(period) * width_) * column_step - bump.center_column;
    const double peak_row = bump.center_row - b_ * v / a_;
    const double half_width = std::sqrt((negligible_in_frequency - v * v * ridge) * 4 / a_);
    const int lowest = static_cast<int>(std::ceil((peak_row - half_width) / row_step));
    const int highest = static_cast<int>(std::floor((peak_row + half_width) / row_step));
    const auto distance = [&](int row) { return row * row_step - bump.center_row; };

    // Rows from `row` on in a direction, all in one period.
    const auto take_rows = [&](int row, int count, int direction) {
      const double u = distance(row);
      const double slope = direction * (a_ * u + b_ * v) / 2;
      double factor = std::exp(-(slope * row_step + a_ * row_step * row_step / 4));
      double at[together];
      double factors[together];
      const auto place = [&](int i) { return direction > 0 ? i : together - 1 - i; };
      const double factor_2 = factor * factor;
      const double factor_4 = factor_2 * factor_2;
      double factor_of_eight = factor_4 * factor_4 * q_28;
      double value = bump.amplitude * std::exp(-(a_ * u * u + 2 * b_ * u * v + c_ * v * v) / 4);
      for (int i = 0; i < together; ++i) {
        at[place(i)] = value;
        factors[place(i)] = factor_of_eight;
        value *= factor;
        factor *= q;
        factor_of_eight *= q_8;
      }
      int index = wrap(row, height_);
      for (; count >= together; count -= together) {
        const int lower = direction > 0 ? 0 : together - 1;  // rows below the present one
        take(index - lower, at, std::integral_constant<int, together>(), distance(row - lower), v);
        for (int i = 0; i < together; ++i) {
          at[i] *= factors[i];
          factors[i] *= q_64;
        }
        index += direction * together;
        row += direction * together;
      }
      for (int i = 0; i < count; ++i)
        take(index + direction * i, at + place(i), std::integral_constant<int, 1>(),
             distance(row + direction * i), v);
    };
    const int start = std::clamp(static_cast<int>(std::lround(peak_row / row_step)), lowest, highest + 1);
    for (int row = start; row <= highest;) {
      const int count = std::min(highest + 1 - row, height_ - wrap(row, height_));
      take_rows(row, count, 1);
      row += count;
    }
    for (int row = start - 1; row >= lowest;) {
      const int count = std::min(row + 1 - lowest, wrap(row, height_) + 1);
      take_rows(row, count, -1);
      row -= count;
    }
  }
}

void WaveletSpectrum::add_moments(const Bump& bump, int k, std::span<const double> weights,
                                  Moments& moments) const {
  const double row_step = 2 * std::numbers::pi / height_;
  // Of all samples with the same v, eight sums each, of w, w u and w u^2.
  double of_column = 0;
  std::array<std::array<double, 8>, 3> sums = {};
  const auto add_column = [&] {
    const auto total = [](const auto& parts) { return std::accumulate(parts.begin(), parts.end(), 0.0); };
    const double one = total(sums[0]);
    const double first = total(sums[1]);
    moments.one += one;
    moments.u += first;
    moments.v += one * of_column;
    moments.uu += total(sums[2]);
    moments.uv += first * of_column;
    moments.vv += one * of_column * of_column;
    sums = {};
  };
  visit_bump_column(bump, k, [&](int index, const double* of_bump, auto count, double u, double v) {
    if (v != of_column) add_column();
    of_column = v;
    std::array<double, count> weighted;
    for (int i = 0; i < count; ++i) weighted[i] = weights[index + i] * of_bump[i];
    for (int i = 0; i < count; ++i) {
      const double at = u + i * row_step;
      sums[0][i] += weighted[i];
      sums[1][i] += weighted[i] * at;
      sums[2][i] += weighted[i] * at * at;
    }
  });
  add_column();
}

// ---- one wavelet ----

Morlet::Morlet(const WaveletShape& shape, int height, int width, Wavelet kind, double pi)
    : shape_(shape),
      height_(height),
      width_(width),
      is_morlet_(kind == Wavelet::Morlet),
      cosine_(std::cos(shape.theta)),
      sine_(std::sin(shape.theta)) {
  const double squared_slant = shape.slant * shape.slant;
  const double norm = 2 * shape.sigma * shape.sigma;
  row_row_ = (cosine_ * cosine_ + squared_slant * sine_ * sine_) / norm;
  row_column_ = (1 - squared_slant) * cosine_ * sine_ / norm;
  column_column_ = (sine_ * sine_ + squared_slant * cosine_ * cosine_) / norm;
  determinant_ = squared_slant / (norm * norm);
  factor_ = shape.slant / (2 * pi * shape.sigma * shape.sigma);
}

bool Morlet::has_closed_form() const {
  // The exponent where the five periods end, at its least along each edge.
  const double at_row_edge = 4.0 * height_ * height_ * determinant_ / column_column_;
  const double at_column_edge = 4.0 * width_ * width_ * determinant_ / row_row_;
  return std::min(at_row_edge, at_column_edge) >= negligible_in_frequency;
}

WaveletSpectrum Morlet::closed_form() const {
  WaveletSpectrum wavelet(height_, width_, column_column_ / determinant_, -row_column_ / determinant_,
                          row_row_ / determinant_);
  const double amplitude = factor_ * std::numbers::pi / std::sqrt(determinant_);
  wavelet.bumps_ = {{shape_.xi * cosine_, shape_.xi * sine_, amplitude}};
  if (is_morlet_) {
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

// take(row, column, along, across, envelope, value): the index of each sample of the five periods, its
// distance from the origin along theta and across, the Gaussian there, and this times the wave.
template <class Take>
void Morlet::visit_samples(const Take& take) const {
  const Positions rows(height_, std::sqrt(negligible_in_space * column_column_ / determinant_));
  const Positions columns(width_, std::sqrt(negligible_in_space * row_row_ / determinant_));
  for (int u = rows.first; u <= rows.last; ++u) {
    for (int v = columns.first; v <= columns.last; ++v) {
      const double exponent = row_row_ * u * u + 2 * row_column_ * u * v + column_column_ * v * v;
      if (exponent > negligible_in_space) continue;
      const double envelope = std::exp(-exponent);
      const double along = u * cosine_ + v * sine_;
      take(wrap(u, height_), wrap(v, width_), along, v * cosine_ - u * sine_, envelope,
           std::polar(envelope, shape_.xi * along));
    }
  }
}

WaveletSpectrum Morlet::made_in_space() const {
  // One pass makes the Gabor filter and the Gaussian under it; the Morlet filter is a combination of the two.
  // Transposed, so that columns of the spectrum are contiguous.
  ComplexPlane gabor{width_, height_, std::vector<Fft::Complex>(static_cast<std::size_t>(height_) * width_)};
  ComplexPlane gaussian = gabor;
  Fft::Complex gabor_sum = 0;
  double gaussian_sum = 0;
  visit_samples([&](int row, int column, double, double, double envelope, Fft::Complex value) {
    gabor.at(column, row) += value;
    gaussian.at(column, row) += envelope;
    gabor_sum += value;
    gaussian_sum += envelope;
  });
  const Fft::Complex mean = is_morlet_ ? gabor_sum / gaussian_sum : Fft::Complex{0};
  for (std::size_t i = 0; i < gabor.values.size(); ++i) {
    gabor.values[i] = (gabor.values[i] - mean * gaussian.values[i]) * factor_;
  }
  fft_2d(gabor);
  std::vector<double> by_columns(gabor.values.size());
  std::transform(gabor.values.begin(), gabor.values.end(), by_columns.begin(),
                 [](auto z) { return z.real(); });
  return {height_, width_, std::move(by_columns)};
}

// ---- its derivatives ----

// Of the sum of weights times the Gaussian exp(-sigma^2 (p^2 + (q / slant)^2) / 2) around `frequency`, where
// p is the distance along theta and q that across.
WaveletShape Morlet::gradient_of_bump(const WaveletSpectrum::Moments& m, double frequency) const {
  const double c = cosine_;
  const double s = sine_;
  const double p = c * m.u + s * m.v;
  const double q = c * m.v - s * m.u;
  const double pp = c * c * m.uu + 2 * c * s * m.uv + s * s * m.vv;
  const double qq = s * s * m.uu - 2 * c * s * m.uv + c * c * m.vv;
  const double pq = c * s * (m.vv - m.uu) + (c * c - s * s) * m.uv;
  const double squared_sigma = shape_.sigma * shape_.sigma;
  const double squared_slant = shape_.slant * shape_.slant;
  // The centre turns with theta, and the axes do.
  return {.theta = squared_sigma * (frequency * q / squared_slant - pq * (1 - 1 / squared_slant)),
          .xi = squared_sigma * p,
          .sigma = -shape_.sigma * (pp + qq / squared_slant),
          .slant = squared_sigma * qq / (squared_slant * shape_.slant)};
}

WaveletShape Morlet::gradient_of_closed_form(std::span<const double> of_spectrum) const {
  // A row of the gradient is contiguous: rows and columns change places.
  const WaveletSpectrum transposed(width_, height_, row_row_ / determinant_, -row_column_ / determinant_,
                                   column_column_ / determinant_);
  const auto gradient_of = [&](double frequency, bool everywhere) {
    const double amplitude = factor_ * std::numbers::pi / std::sqrt(determinant_);
    const WaveletSpectrum::Bump bump = {frequency * sine_, frequency * cosine_, amplitude};
    WaveletSpectrum::Moments moments;
    if (everywhere) {
      for (int row = 0; row < height_; ++row) {
        transposed.add_moments(bump, row, of_spectrum.subspan(static_cast<std::size_t>(row) * width_, width_),
                               moments);
      }
    } else {  // at frequency zero
      std::vector<double> weights(width_);
      weights[0] = 1;
      transposed.add_moments(bump, 0, weights, moments);
    }
    std::swap(moments.u, moments.v);
    std::swap(moments.uu, moments.vv);
    return std::pair{moments.one, gradient_of_bump(moments, frequency)};
  };
  auto gradient = gradient_of(shape_.xi, true).second;
  if (!is_morlet_) return gradient;
  // psi^ = gabor - gaussian gabor(0) / gaussian(0)
  auto [gaussian_sum, of_gaussian] = gradient_of(0, true);
  const auto [gabor_at_zero, of_gabor_at_zero] = gradient_of(shape_.xi, false);
  auto [gaussian_at_zero, of_gaussian_at_zero] = gradient_of(0, false);
  of_gaussian.xi = of_gaussian_at_zero.xi = 0;  // it stays where it is
  const double mean = gabor_at_zero / gaussian_at_zero;
  for (const auto number : numbers) {
    const double of_mean = (of_gabor_at_zero.*number - mean * of_gaussian_at_zero.*number) / gaussian_at_zero;
    gradient.*number -= mean * of_gaussian.*number + of_mean * gaussian_sum;
  }
  return gradient;
}

WaveletShape Morlet::gradient_in_space(std::span<const double> of_spectrum) const {
  // psi^(k) is the real part of the sum of psi(x) exp(-i k x), so L is that of the sum of psi(x) w^(x).
  ComplexPlane weights{height_, width_, {of_spectrum.begin(), of_spectrum.end()}};
  fft_2d(weights);

  // Sums of the Gabor filter and of the Gaussian, by themselves and times the weights, and their derivatives.
  struct Sums {
    Fft::Complex gabor = 0;
    Fft::Complex gaussian = 0;
    Fft::Complex weighted_gabor = 0;
    Fft::Complex weighted_gaussian = 0;

    void add(Fft::Complex of_gabor, double of_gaussian, Fft::Complex weight) {
      gabor += of_gabor;
      gaussian += of_gaussian;
      weighted_gabor += of_gabor * weight;
      weighted_gaussian += of_gaussian * weight;
    }
  };
  Sums sums;
  std::array<Sums, numbers.size()> derivatives;
  const double squared_sigma = shape_.sigma * shape_.sigma;
  const double squared_slant = shape_.slant * shape_.slant;
  visit_samples([&](int row, int column, double p, double q, double envelope, Fft::Complex value) {
    const auto weight = weights.at(row, column);
    sums.add(value, envelope, weight);
    // What the exponent and the phase change by, in the order of `numbers`.
    const std::array exponents = {(squared_slant - 1) * p * q / squared_sigma, 0.0,
                                  (p * p + squared_slant * q * q) / (squared_sigma * shape_.sigma),
                                  -shape_.slant * q * q / squared_sigma};
    const std::array phases = {shape_.xi * q, p, 0.0, 0.0};
    for (std::size_t i = 0; i < numbers.size(); ++i)
      derivatives[i].add(value * Fft::Complex(exponents[i], phases[i]), envelope * exponents[i], weight);
  });
  const Fft::Complex mean = is_morlet_ ? sums.gabor / sums.gaussian : Fft::Complex{0};
  const double loss = factor_ * (sums.weighted_gabor - mean * sums.weighted_gaussian).real();
  WaveletShape gradient;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto& of = derivatives[i];
    const Fft::Complex of_mean =
        is_morlet_ ? (of.gabor - mean * of.gaussian) / sums.gaussian : Fft::Complex{0};
    gradient.*numbers[i] =
        factor_ * (of.weighted_gabor - mean * of.weighted_gaussian - of_mean * sums.weighted_gaussian).real();
  }
  // The factor that all is multiplied with.
  gradient.sigma -= 2 * loss / shape_.sigma;
  gradient.slant += loss / shape_.slant;
  return gradient;
}

}  // namespace scatlight
