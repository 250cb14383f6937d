#include "analysis/frame.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "analysis/periodic_bank.h"

namespace scatlight::analysis {
namespace {

using std::numbers::pi;

/// Calls visit(index, |w|) for every frequency in the disk |w| < pi.
template <class Visit>
void for_disk(const LittlewoodPaley& sum, const Visit& visit) {
  for (int row = 0; row < sum.height; ++row) {
    for (int column = 0; column < sum.width; ++column) {
      const double radius = std::hypot(frequency_of(row, sum.height), frequency_of(column, sum.width));
      if (radius < pi) visit(static_cast<std::size_t>(row) * sum.width + column, radius);
    }
  }
}

template <class Value>
FrameBounds bounds(const LittlewoodPaley& sum, const Value& value) {
  FrameBounds bounds{.lower = std::numeric_limits<double>::infinity(), .upper = 0};
  for_disk(sum, [&](std::size_t i, double) {
    bounds.lower = std::min(bounds.lower, value(i));
    bounds.upper = std::max(bounds.upper, value(i));
  });
  return bounds;
}

}  // namespace

double FrameBounds::epsilon() const { return std::max(1 - lower, upper - 1); }

LittlewoodPaley littlewood_paley(const ScatteringOptions& options) {
  const PeriodicBank bank(options);
  const auto& resolved = bank.options();
  LittlewoodPaley sum{.height = bank.height(), .width = bank.width(), .low_pass = bank.phi()};
  for (auto& value : sum.low_pass) value *= value;
  sum.wavelets.resize(sum.low_pass.size());
  for (int j = 0; j < resolved.scales; ++j) {
    for (int theta = 0; theta < resolved.angles; ++theta) {
      const auto psi = bank.psi(j, theta);
      for (std::size_t i = 0; i < psi.size(); ++i) sum.wavelets[i] += psi[i] * psi[i];
    }
  }
  sum.wavelets_real.resize(sum.wavelets.size());
  for (int row = 0; row < sum.height; ++row) {
    const int mirrored_row = (sum.height - row) % sum.height;
    for (int column = 0; column < sum.width; ++column) {
      const int mirrored_column = (sum.width - column) % sum.width;
      const auto i = static_cast<std::size_t>(row) * sum.width + column;
      const auto mirrored = static_cast<std::size_t>(mirrored_row) * sum.width + mirrored_column;
      sum.wavelets_real[i] = (sum.wavelets[i] + sum.wavelets[mirrored]) / 2;
    }
  }
  return sum;
}

FrameBounds printed_bounds(const LittlewoodPaley& sum) {
  return bounds(sum, [&](std::size_t i) { return sum.printed(i); });
}

FrameBounds real_bounds(const LittlewoodPaley& sum, double gain) {
  return bounds(sum, [&](std::size_t i) { return sum.real(i, gain); });
}

// epsilon_0 is a maximum of functions |a + g^2 b|, so it is convex in g^2 and has one valley.
double best_gain(const LittlewoodPaley& sum) {
  std::vector<std::pair<double, double>> parts;  // of phi and of psi, in the disk
  for_disk(sum, [&](std::size_t i, double) { parts.emplace_back(sum.low_pass[i], sum.wavelets_real[i]); });
  const auto epsilon = [&](double squared_gain) {
    double largest = 0;
    for (const auto& [low_pass, wavelets] : parts)
      largest = std::max(largest, std::abs(low_pass + squared_gain * wavelets - 1));
    return largest;
  };
  double low = 0;
  double high = 16;
  for (int step = 0; step < 60; ++step) {
    const double left = low + (high - low) / 3;
    const double right = high - (high - low) / 3;
    const bool falls = epsilon(left) > epsilon(right);
    (falls ? low : high) = falls ? left : right;
  }
  return std::sqrt((low + high) / 2);
}

RadialCurve radial_curve(const LittlewoodPaley& sum, int rings, double gain) {
  struct Ring {
    FrameBounds bounds = {.lower = std::numeric_limits<double>::infinity(), .upper = 0};
    double total = 0;
    int count = 0;
  };
  std::vector<Ring> found(rings);
  for_disk(sum, [&](std::size_t i, double radius) {
    auto& ring = found[std::min(rings - 1, static_cast<int>(radius / pi * rings))];
    const double value = sum.real(i, gain);
    ring.bounds.lower = std::min(ring.bounds.lower, value);
    ring.bounds.upper = std::max(ring.bounds.upper, value);
    ring.total += value;
    ++ring.count;
  });
  RadialCurve curve;
  for (int i = 0; i < rings; ++i) {
    const auto& ring = found[i];
    if (ring.count == 0) continue;
    curve.radius.push_back((i + 0.5) * pi / rings);
    curve.lowest.push_back(ring.bounds.lower);
    curve.mean.push_back(ring.total / ring.count);
    curve.highest.push_back(ring.bounds.upper);
  }
  return curve;
}

}  // namespace scatlight::analysis
