#include "analysis/translation.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>

namespace scatlight::analysis {
namespace {

constexpr int rings = 2048;

/// exp(-i (w_k - centre) shift) for all indices k of an axis. The product over both axes is the phase by
/// which a translation differs from the rotation by the centre frequency.
std::vector<std::complex<double>> phases(int length, double centre, double shift) {
  std::vector<std::complex<double>> phases(length);
  for (int k = 0; k < length; ++k) phases[k] = std::polar(1.0, -(frequency_of(k, length) - centre) * shift);
  return phases;
}

}  // namespace

double TranslationStudy::Shift::length() const { return std::hypot(row, column); }

TranslationStudy::TranslationStudy(const PeriodicBank& bank, int scale, int angle)
    : center_(bank.center_frequency(scale, angle)),
      height_(bank.height()),
      width_(bank.width()),
      psi_(bank.psi(scale, angle)),
      tail_(rings + 1),
      // The largest distance of two frequencies in [-pi, pi)^2 and a centre beyond them.
      ring_width_((std::hypot(center_.row, center_.column) + 2 * std::numbers::pi) / rings) {
  for (int row = 0; row < height_; ++row) {
    for (int column = 0; column < width_; ++column) {
      const double distance =
          std::hypot(frequency_of(row, height_) - center_.row, frequency_of(column, width_) - center_.column);
      auto& largest = tail_[static_cast<std::size_t>(distance / ring_width_)];
      largest = std::max(largest, std::abs(psi_[static_cast<std::size_t>(row) * width_ + column]));
    }
  }
  for (int ring = rings; ring-- > 0;) tail_[ring] = std::max(tail_[ring], tail_[ring + 1]);
}

TranslationBound TranslationStudy::bound(double length) const {
  TranslationBound best{.eta = 0, .epsilon = 0, .value = std::numeric_limits<double>::infinity()};
  for (int ring = 0; ring <= rings; ++ring) {
    const double eta = ring * ring_width_;
    const double value = std::hypot(2 * tail_[ring], tail_[0] * length * eta);
    if (value < best.value) best = {.eta = eta, .epsilon = tail_[ring], .value = value};
  }
  return best;
}

// |exp(-i w a) - exp(-i w0 a)|^2 = 2 - 2 Re exp(-i (w - w0) a)
double TranslationStudy::change(const ComplexPlane& spectrum, Shift shift) const {
  const auto along_rows = phases(height_, center_.row, shift.row);
  const auto along_columns = phases(width_, center_.column, shift.column);
  double changed = 0;
  double energy = 0;
  for (int row = 0; row < height_; ++row) {
    for (int column = 0; column < width_; ++column) {
      const auto i = static_cast<std::size_t>(row) * width_ + column;
      const double power = std::norm(spectrum.values[i]);
      energy += power;
      changed += power * psi_[i] * psi_[i] * std::norm(1.0 - along_rows[row] * along_columns[column]);
    }
  }
  return std::sqrt(changed / energy);
}

double TranslationStudy::largest_change(Shift shift) const {
  const auto along_rows = phases(height_, center_.row, shift.row);
  const auto along_columns = phases(width_, center_.column, shift.column);
  double largest = 0;
  for (int row = 0; row < height_; ++row) {
    for (int column = 0; column < width_; ++column) {
      const double psi = psi_[static_cast<std::size_t>(row) * width_ + column];
      largest = std::max(largest, psi * psi * std::norm(1.0 - along_rows[row] * along_columns[column]));
    }
  }
  return std::sqrt(largest);
}

double TranslationStudy::change_at_dirac(Shift shift) const {
  const auto along_rows = phases(height_, center_.row, shift.row);
  const auto along_columns = phases(width_, center_.column, shift.column);
  std::complex<double> difference = 0;
  for (int row = 0; row < height_; ++row) {
    for (int column = 0; column < width_; ++column) {
      difference += psi_[static_cast<std::size_t>(row) * width_ + column] *
                    (1.0 - std::conj(along_rows[row] * along_columns[column]));
    }
  }
  return std::abs(difference) / (static_cast<double>(height_) * width_);
}

std::vector<TightestShift> translation_table(const PeriodicBank& bank, const ComplexPlane* spectrum,
                                             const std::vector<double>& lengths, int directions) {
  std::vector<TightestShift> table;
  for (int j = 0; j < bank.options().scales; ++j) {
    std::vector<TightestShift> tightest(lengths.size());
    for (int theta = 0; theta < bank.options().angles; ++theta) {
      const TranslationStudy study(bank, j, theta);
      for (std::size_t i = 0; i < lengths.size(); ++i) {
        const auto bound = study.bound(lengths[i]);
        for (int d = 0; d < directions; ++d) {
          const double direction = d * std::numbers::pi / directions;
          const TranslationStudy::Shift shift{lengths[i] * std::cos(direction),
                                              lengths[i] * std::sin(direction)};
          const TightestShift found{
              .scale = j,
              .length = lengths[i],
              .angle = theta,
              .direction = direction,
              .change = spectrum != nullptr ? study.change(*spectrum, shift) : study.largest_change(shift),
              .bound = bound};
          if (tightest[i].length == 0 || found.ratio() > tightest[i].ratio()) tightest[i] = found;
        }
      }
    }
    table.insert(table.end(), tightest.begin(), tightest.end());
  }
  return table;
}

DiracOrders dirac_orders(ScatteringOptions options, int scale) {
  options.wavelet = Wavelet::Gabor;
  const PeriodicBank bank(options);
  const TranslationStudy study(bank, scale, 0);
  const double theta = bank.theta(0);
  const TranslationStudy::Shift half{std::cos(theta) / 2, std::sin(theta) / 2};
  const TranslationStudy::Shift quarter{half.row / 2, half.column / 2};
  ComplexPlane dirac{bank.height(), bank.width(), {}};
  dirac.values.assign(static_cast<std::size_t>(dirac.height) * dirac.width, 1.0);
  return {.of_norm = std::log2(study.change(dirac, half) / study.change(dirac, quarter)),
          .at_sample = std::log2(study.change_at_dirac(half) / study.change_at_dirac(quarter))};
}

}  // namespace scatlight::analysis
