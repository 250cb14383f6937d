#include "analysis/blobs.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "scatlight/scattering.h"

namespace scatlight::analysis {
namespace {

using std::numbers::pi;

/// The matrix with `along` in the direction and `across` at right angles to it.
Matrix2 turned(double along, double across, double direction) {
  const double cosine = std::cos(direction);
  const double sine = std::sin(direction);
  return {.row_row = along * cosine * cosine + across * sine * sine,
          .row_column = (along - across) * cosine * sine,
          .column_column = along * sine * sine + across * cosine * cosine};
}

/// g(M)(u), the Gaussian whose spectrum is exp(-w^T M w).
class Gaussian {
 public:
  explicit Gaussian(const Matrix2& m)
      : inverse_(m.inverse()), peak_(1 / (4 * pi * std::sqrt(m.determinant()))) {}
  double at(double row, double column) const { return peak_ * std::exp(-inverse_.form(row, column) / 4); }

 private:
  Matrix2 inverse_;
  double peak_;
};

double largest_difference(std::span<const double> actual, std::span<const double> expected) {
  double difference = 0;
  double scale = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    difference = std::max(difference, std::abs(actual[i] - expected[i]));
    scale = std::max(scale, std::abs(expected[i]));
  }
  return difference / scale;
}

/// Kymatio's 3.1415 makes each filter larger by this.
double filter_gain(const ScatteringOptions& options) {
  return options.normalization == Normalization::Kymatio ? pi / 3.1415 : 1;
}

}  // namespace

Matrix2 Matrix2::inverse() const {
  const double d = determinant();
  return {.row_row = column_column / d, .row_column = -row_column / d, .column_column = row_row / d};
}

Matrix2 Matrix2::operator+(const Matrix2& other) const {
  return {.row_row = row_row + other.row_row,
          .row_column = row_column + other.row_column,
          .column_column = column_column + other.column_column};
}

double Matrix2::form(double row, double column) const {
  return row_row * row * row + 2 * row_column * row * column + column_column * column * column;
}

Matrix2 line_blob(double length, double thickness, double direction) {
  return turned(length * length / 2, thickness * thickness / 2, direction);
}

Matrix2 round_blob(double deviation) { return line_blob(deviation, deviation, 0); }

std::vector<double> draw_blob(const Matrix2& sigma, int height, int width) {
  const Gaussian gaussian(sigma);
  // Periods that the blob reaches into: at nine deviations a Gaussian is 1e-18 of its peak.
  const int periods_down = 1 + static_cast<int>(9 * std::sqrt(2 * sigma.row_row) / height);
  const int periods_across = 1 + static_cast<int>(9 * std::sqrt(2 * sigma.column_column) / width);
  const int middle_row = height / 2;
  const int middle_column = width / 2;
  std::vector<double> image;
  image.reserve(static_cast<std::size_t>(height) * width);
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      double sum = 0;
      for (int down = -periods_down; down <= periods_down; ++down) {
        for (int across = -periods_across; across <= periods_across; ++across)
          sum += gaussian.at(row - middle_row + down * height, column - middle_column + across * width);
      }
      image.push_back(sum);
    }
  }
  return image;
}

BlobScattering::BlobScattering(const PeriodicBank& bank) : options_(bank.options()) {
  for (int angle = 0; angle < options_.angles; ++angle) theta_.push_back(bank.theta(angle));
}

Matrix2 BlobScattering::wavelet(int scale, int angle) const {
  const double sigma = options_.sigma * std::exp2(scale);
  return line_blob(sigma, sigma / options_.slant, theta_[angle]);
}

Matrix2 BlobScattering::low_pass() const {
  return round_blob(options_.sigma * std::exp2(options_.scales - 1));
}

double BlobScattering::kappa(const Matrix2& sigma, int scale, int angle) const {
  const auto parallel = (sigma.inverse() + wavelet(scale, angle).inverse()).inverse();
  const double frequency = options_.center_frequency / std::exp2(scale);
  return parallel.form(frequency * std::cos(theta_[angle]), frequency * std::sin(theta_[angle]));
}

std::vector<double> BlobScattering::maps(const Matrix2& sigma) const {
  const int step = 1 << options_.scales;
  const double gain = filter_gain(options_);
  const int middle_row = options_.height / 2;
  const int middle_column = options_.width / 2;
  std::vector<double> maps;
  const auto add_map = [&](const Matrix2& m, double factor) {
    const Gaussian gaussian(m);
    for (int row = 0; row + step <= options_.height; row += step) {
      for (int column = 0; column + step <= options_.width; column += step)
        maps.push_back(factor * gaussian.at(row - middle_row, column - middle_column));
    }
  };
  add_map(sigma + low_pass(), gain);
  for (int j = 0; j < options_.scales; ++j) {
    for (int angle = 0; angle < options_.angles; ++angle)
      add_map(sigma + wavelet(j, angle) + low_pass(), gain * gain * std::exp(-kappa(sigma, j, angle)));
  }
  return maps;
}

namespace {

/// The wavelet psi_{scale,angle} on a blob, with the spectra of both as exact Gaussians.
class UnsampledConvolution {
 public:
  UnsampledConvolution(const std::vector<double>& blob, const PeriodicBank& bank)
      : bank_(bank), closed_(bank), spectrum_(spectrum_of(blob, bank.height(), bank.width())) {}

  std::vector<double> modulus(int scale, int angle) const {
    return modulus_of_convolution(
        spectrum_, gaussian(closed_.wavelet(scale, angle), bank_.center_frequency(scale, angle)));
  }

  /// x * |psi|: |psi| is the wavelet without its wave.
  std::vector<double> envelope(int scale, int angle) const {
    return convolved(spectrum_, gaussian(closed_.wavelet(scale, angle), {0, 0}));
  }

  /// u * phi_J, every 2^J samples.
  std::vector<double> averaged(const std::vector<double>& u) const {
    const int step = 1 << bank_.options().scales;
    const auto smooth =
        convolved(spectrum_of(u, bank_.height(), bank_.width()), gaussian(closed_.low_pass(), {0, 0}));
    std::vector<double> samples;
    for (int row = 0; row + step <= bank_.height(); row += step) {
      for (int column = 0; column + step <= bank_.width(); column += step)
        samples.push_back(smooth[static_cast<std::size_t>(row) * bank_.width() + column]);
    }
    return samples;
  }

 private:
  /// exp(-(w - center)^T m (w - center)), only over the frequencies in [-pi, pi).
  std::vector<double> gaussian(const Matrix2& m, PeriodicBank::Frequency center) const {
    std::vector<double> values;
    for (int row = 0; row < bank_.height(); ++row) {
      const double u = frequency_of(row, bank_.height()) - center.row;
      for (int column = 0; column < bank_.width(); ++column)
        values.push_back(std::exp(-m.form(u, frequency_of(column, bank_.width()) - center.column)));
    }
    return values;
  }

  static std::vector<double> convolved(ComplexPlane spectrum, const std::vector<double>& filter) {
    for (std::size_t i = 0; i < filter.size(); ++i) spectrum.values[i] *= filter[i];
    inverse_fft_2d(spectrum);
    std::vector<double> result;
    result.reserve(spectrum.values.size());
    for (const auto& value : spectrum.values) result.push_back(value.real());
    return result;
  }

  const PeriodicBank& bank_;
  BlobScattering closed_;
  ComplexPlane spectrum_;
};

/// actual = factor * of + a residual at right angles to `of`, which is given as a share of `actual`.
struct Fit {
  Fit(const std::vector<double>& actual, const std::vector<double>& of) {
    double energy = 0;
    double whole = 0;
    for (std::size_t i = 0; i < of.size(); ++i) {
      factor += actual[i] * of[i];
      energy += of[i] * of[i];
      whole += actual[i] * actual[i];
    }
    factor /= energy;
    for (std::size_t i = 0; i < of.size(); ++i) residual += std::pow(actual[i] - factor * of[i], 2);
    residual = std::sqrt(residual / whole);
  }
  double factor = 0;
  double residual = 0;
};

}  // namespace

BlobErrors compare_blob(const ScatteringOptions& options, const Matrix2& sigma) {
  auto gabor = options;
  gabor.wavelet = Wavelet::Gabor;
  gabor.boundary = Boundary::Periodic;
  gabor.max_order = 1;
  gabor.stride = 0;
  gabor.threads = 1;
  const PeriodicBank bank(gabor);
  const BlobScattering closed(bank);
  const auto blob = draw_blob(sigma, bank.height(), bank.width());
  const auto expected = closed.maps(sigma);
  const Scattering plan(gabor);
  std::vector<double> computed(expected.size());
  plan.forward(blob, computed);

  const auto map_size = expected.size() / plan.paths().size();
  const auto map_of = [&](const std::vector<double>& maps, int map) {
    return std::span(maps).subspan(map * map_size, map_size);
  };
  const UnsampledConvolution unsampled(blob, bank);
  const double gain = filter_gain(gabor);
  BlobErrors errors{.order0 = largest_difference(map_of(computed, 0), map_of(expected, 0))};
  for (int j = 0; j < gabor.scales; ++j) {
    auto& worst = errors.scales.emplace_back();
    for (int angle = 0; angle < gabor.angles; ++angle) {
      const int map = 1 + j * gabor.angles + angle;
      const auto modulus = unsampled.modulus(j, angle);
      auto averaged = unsampled.averaged(modulus);
      for (auto& value : averaged) value *= gain * gain;
      const double constant = std::exp(-closed.kappa(sigma, j, angle));
      const Fit fit(modulus, unsampled.envelope(j, angle));
      worst.transform =
          std::max(worst.transform, largest_difference(map_of(computed, map), map_of(expected, map)));
      worst.unsampled = std::max(worst.unsampled, largest_difference(averaged, map_of(expected, map)));
      worst.constant = std::max(worst.constant, std::abs(fit.factor / constant - 1));
      worst.residual = std::max(worst.residual, fit.residual);
      worst.smallest_constant = std::min(worst.smallest_constant, constant);
      worst.largest_constant = std::max(worst.largest_constant, constant);
    }
  }
  return errors;
}

}  // namespace scatlight::analysis
