#include "core/filter_bank.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/fft.h"
#include "core/periods.h"

namespace scatlight {
namespace {

// The index of theta = 0.
int angle_of_zero(int angles) { return static_cast<int>(angles - angles / 2.0 - 1); }

}  // namespace

FilterBank::FilterBank(const ScatteringOptions& resolved, const Geometry& geometry)
    : options_(resolved),
      height_(geometry.rows.padded),
      width_(geometry.columns.padded),
      pi_(resolved.normalization == Normalization::Kymatio ? 3.1415 : std::numbers::pi),
      shapes_(shapes_of(resolved)) {}

FilterBank FilterBank::with(std::vector<WaveletShape> shapes) const {
  auto bank = *this;
  bank.shapes_ = std::move(shapes);
  bank.spectra_ = nullptr;
  return bank;
}

FilterBank FilterBank::with(std::vector<double> spectra) const {
  auto bank = *this;
  bank.spectra_ = std::make_shared<const std::vector<double>>(std::move(spectra));
  return bank;
}

FilterBank FilterBank::on(const Geometry& geometry) const {
  auto bank = *this;
  bank.height_ = geometry.rows.padded;
  bank.width_ = geometry.columns.padded;
  return bank;
}

double FilterBank::theta(int angle, int angles) {
  return (angle_of_zero(angles) - angle) * std::numbers::pi / angles;
}

int FilterBank::opposite_angle(int angle) const {
  const int opposite = 2 * angle_of_zero(options_.angles) - angle;
  return opposite >= 0 && opposite < options_.angles ? opposite : angle;
}

std::vector<WaveletShape> FilterBank::shapes_of(const ScatteringOptions& resolved) {
  std::vector<WaveletShape> shapes;
  for (int scale = 0; scale < resolved.scales; ++scale) {
    for (int angle = 0; angle < resolved.angles; ++angle) {
      shapes.push_back({.theta = theta(angle, resolved.angles),
                        .xi = resolved.center_frequency / std::exp2(scale),
                        .sigma = resolved.sigma * std::exp2(scale),
                        .slant = resolved.slant});
    }
  }
  return shapes;
}

Morlet FilterBank::morlet(int scale, int angle) const {
  return {shapes_[static_cast<std::size_t>(scale) * options_.angles + angle], height_, width_,
          options_.wavelet, pi_};
}

WaveletSpectrum FilterBank::wavelet(int scale, int angle) const {
  if (!spectra_) return morlet(scale, angle).spectrum();
  const std::size_t size = static_cast<std::size_t>(height_) * width_;
  const auto given = std::span(*spectra_).subspan((scale * options_.angles + angle) * size, size);
  std::vector<double> by_columns(size);
  for (int row = 0; row < height_; ++row) {
    for (int column = 0; column < width_; ++column)
      by_columns[static_cast<std::size_t>(column) * height_ + row] =
          given[static_cast<std::size_t>(row) * width_ + column];
  }
  return {height_, width_, std::move(by_columns)};
}

bool FilterBank::is_mirrored(int scale, int angle) const {
  const int opposite = opposite_angle(angle);
  if (opposite >= angle || spectra_) return false;
  auto shape = shapes_[static_cast<std::size_t>(scale) * options_.angles + opposite];
  shape.theta = -shape.theta;
  return shape == shapes_[static_cast<std::size_t>(scale) * options_.angles + angle] &&
         morlet(scale, angle).has_closed_form();
}

int FilterBank::source_of(int k, int length, int level) {
  const int low_length = length >> level;
  const int half_band = low_length / 2;
  if (level == 0 || k < half_band) return k;
  return k >= low_length - half_band ? length - low_length + k : -1;
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
