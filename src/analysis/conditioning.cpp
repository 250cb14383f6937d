#include "analysis/conditioning.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "analysis/eigenvalues.h"
#include "analysis/periodic_bank.h"

namespace scatlight::analysis {
namespace {

using std::numbers::pi;
constexpr double seen_share = 1e-3;

using Spectra = std::vector<std::vector<double>>;

/// The spectra of |psi_{j,theta}|, j slow; they are real, since |psi| is even.
Spectra envelopes(const PeriodicBank& bank) {
  ComplexPlane dirac{bank.height(), bank.width(), {}};
  dirac.values.assign(static_cast<std::size_t>(bank.height()) * bank.width(), 1.0);
  Spectra spectra;
  for (int j = 0; j < bank.options().scales; ++j) {
    for (int theta = 0; theta < bank.options().angles; ++theta) {
      const auto envelope = modulus_of_convolution(dirac, bank.psi(j, theta));
      const auto spectrum = spectrum_of(envelope, bank.height(), bank.width());
      auto& values = spectra.emplace_back();
      for (const auto& value : spectrum.values) values.push_back(value.real());
    }
  }
  return spectra;
}

/// log of the spectrum of one factor of phi_J, up to a constant. The bank's own values end at rounding
/// errors, and this one's must not: a Gaussian sampled in space is one that is repeated in frequency.
double log_phi(double frequency, double sigma) {
  const auto exponent = [&](double w) { return -sigma * sigma * w * w / 2; };
  const double largest = exponent(frequency);
  double sum = 0;
  for (int period = -3; period <= 3; ++period)
    sum += std::exp(exponent(frequency + 2 * pi * period) - largest);
  return largest + std::log(sum);
}

// The singular value at w is |phi^(w)| sqrt(1 + sum | |psi|^(w) |^2): all channels are convolutions.
double log10_condition(const PeriodicBank& bank, const Spectra& spectra, std::size_t channels) {
  const double sigma = bank.options().sigma * std::exp2(bank.options().scales - 1);
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -lowest;
  for (int row = 0; row < bank.height(); ++row) {
    const double u = frequency_of(row, bank.height());
    for (int column = 0; column < bank.width(); ++column) {
      const double v = frequency_of(column, bank.width());
      if (std::hypot(u, v) >= pi) continue;
      double power = 1;
      for (std::size_t c = 0; c < channels; ++c)
        power += std::pow(spectra[c][static_cast<std::size_t>(row) * bank.width() + column], 2);
      const double singular = log_phi(u, sigma) + log_phi(v, sigma) + std::log(power) / 2;
      lowest = std::min(lowest, singular);
      highest = std::max(highest, singular);
    }
  }
  return (highest - lowest) / std::numbers::ln10;
}

/// The squared singular values of the subsampled map at the frequencies that alias to (row, column): those of
/// the matrix (channels, 4^J) of the channels' spectra, by its Gram matrix over channels.
std::vector<double> squared_singular_values(const PeriodicBank& bank, const std::vector<double>& phi,
                                            const Spectra& spectra, int channels, int row, int column) {
  const int step = 1 << bank.options().scales;
  std::vector<double> gram(static_cast<std::size_t>(channels) * channels);
  std::vector<double> values(channels);
  for (int down = 0; down < step; ++down) {
    for (int across = 0; across < step; ++across) {
      const auto i = static_cast<std::size_t>(row + down * (bank.height() / step)) * bank.width() + column +
                     across * (bank.width() / step);
      values[0] = phi[i];
      for (int c = 1; c < channels; ++c) values[c] = phi[i] * spectra[c - 1][i];
      for (int a = 0; a < channels; ++a) {
        for (int b = 0; b < channels; ++b)
          gram[static_cast<std::size_t>(a) * channels + b] += values[a] * values[b];
      }
    }
  }
  return symmetric_eigenvalues(std::move(gram), channels);
}

double share_seen(const PeriodicBank& bank, const Spectra& spectra, int channels) {
  const auto phi = bank.phi();
  const int step = 1 << bank.options().scales;
  std::vector<double> squares;
  for (int row = 0; row < bank.height() / step; ++row) {
    for (int column = 0; column < bank.width() / step; ++column) {
      const auto found = squared_singular_values(bank, phi, spectra, channels, row, column);
      squares.insert(squares.end(), found.begin(), found.end());
    }
  }
  const double least = seen_share * seen_share * std::ranges::max(squares);
  const auto seen = std::ranges::count_if(squares, [&](double square) { return square > least; });
  return static_cast<double>(seen) / (static_cast<double>(bank.height()) * bank.width());
}

}  // namespace

std::vector<Conditioning> conditioning(const ScatteringOptions& options, int max_scales,
                                       const std::function<void()>& advance) {
  auto of_scales = options;
  of_scales.scales = max_scales;
  const auto spectra = envelopes(PeriodicBank(of_scales));
  std::vector<Conditioning> table;
  for (int scales = 1; scales <= max_scales; ++scales) {
    of_scales.scales = scales;
    const PeriodicBank bank(of_scales);
    const int channels = 1 + scales * bank.options().angles;
    table.push_back({.scales = scales,
                     .log10_condition = log10_condition(bank, spectra, channels - 1),
                     .seen = share_seen(bank, spectra, channels),
                     .coefficients = channels / std::exp2(2 * scales)});
    advance();
  }
  return table;
}

}  // namespace scatlight::analysis
