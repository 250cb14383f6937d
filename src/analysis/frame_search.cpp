#include "analysis/frame_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "analysis/frame.h"
#include "analysis/minimize.h"

namespace scatlight::analysis {
namespace {

// Frames are smooth functions of the frequency, and the finest detail of the largest scale's spectrum is far
// wider than a sample of this grid.
constexpr int largest_grid = 96;

// Factors of sigma, centre frequency and slant at the starts: the valley is narrow and bent.
constexpr std::array<std::array<double, 3>, 3> starts = {{{1, 1, 1}, {0.8, 1, 1.5}, {1.25, 0.9, 1}}};

/// Sizes are looked for by their logarithms, so that they stay positive and steps are relative.
ScatteringOptions with_filters(ScatteringOptions options, const std::vector<double>& logarithms) {
  options.sigma = std::exp(logarithms[0]);
  options.center_frequency = std::exp(logarithms[1]);
  options.slant = std::exp(logarithms[2]);
  return options;
}

bool in_range(const ScatteringOptions& options) {
  return options.sigma >= 0.1 && options.sigma <= 100 && options.center_frequency >= 0.01 &&
         options.center_frequency <= std::numbers::pi && options.slant >= 0.01 && options.slant <= 10;
}

}  // namespace

int frame_search_starts() { return static_cast<int>(starts.size()); }

FoundFrame search_frame(const ScatteringOptions& options, bool with_gain,
                        const std::function<void()>& advance) {
  auto small = options;
  small.slant = options.slant == 0 ? 4.0 / options.angles : options.slant;
  const int least = 1 << options.scales;
  small.height = std::max(least, std::min(options.height, largest_grid));
  small.width = std::max(least, std::min(options.width, largest_grid));

  const auto epsilon = [&](const std::vector<double>& logarithms) {
    const auto tried = with_filters(small, logarithms);
    if (!in_range(tried)) return std::numeric_limits<double>::infinity();
    const auto sum = littlewood_paley(tried);
    return real_bounds(sum, with_gain ? best_gain(sum) : 1).epsilon();
  };
  FoundFrame found{.options = options, .epsilon = std::numeric_limits<double>::infinity()};
  Minimum best{.at = {}, .value = std::numeric_limits<double>::infinity()};
  for (const auto& factors : starts) {
    const auto minimum =
        minimize(epsilon,
                 {std::log(small.sigma * factors[0]), std::log(small.center_frequency * factors[1]),
                  std::log(small.slant * factors[2])},
                 0.1, 1e-4, 150);
    found.evaluations += minimum.evaluations;
    if (minimum.value < best.value) best = minimum;
    advance();
  }
  found.options = with_filters(options, best.at);
  const auto sum = littlewood_paley(found.options);
  found.gain = with_gain ? best_gain(sum) : 1;
  found.epsilon = real_bounds(sum, found.gain).epsilon();
  return found;
}

}  // namespace scatlight::analysis
