#include "analysis/minimize.h"

#include <algorithm>
#include <cmath>

namespace scatlight::analysis {
namespace {

struct Corner {
  std::vector<double> at;
  double value;
};

/// from + share * (to - from)
std::vector<double> between(const std::vector<double>& from, const std::vector<double>& to, double share) {
  auto point = from;
  for (std::size_t i = 0; i < point.size(); ++i) point[i] += share * (to[i] - from[i]);
  return point;
}

/// The middle of all corners but the last.
std::vector<double> middle_of_others(const std::vector<Corner>& simplex) {
  std::vector<double> middle(simplex.front().at.size());
  for (std::size_t corner = 0; corner + 1 < simplex.size(); ++corner) {
    for (std::size_t i = 0; i < middle.size(); ++i)
      middle[i] += simplex[corner].at[i] / static_cast<double>(middle.size());
  }
  return middle;
}

double width(const std::vector<Corner>& simplex) {
  double widest = 0;
  for (const auto& corner : simplex) {
    for (std::size_t i = 0; i < corner.at.size(); ++i)
      widest = std::max(widest, std::abs(corner.at[i] - simplex.front().at[i]));
  }
  return widest;
}

}  // namespace

Minimum minimize(const std::function<double(const std::vector<double>&)>& function,
                 const std::vector<double>& start, double step, double tolerance, int evaluations) {
  int used = 0;
  const auto corner_at = [&](std::vector<double> at) {
    ++used;
    const double value = function(at);
    return Corner{std::move(at), value};
  };
  std::vector<Corner> simplex = {corner_at(start)};
  for (std::size_t axis = 0; axis < start.size(); ++axis) {
    auto moved = start;
    moved[axis] += step;
    simplex.push_back(corner_at(std::move(moved)));
  }
  while (true) {
    std::ranges::sort(simplex, {}, &Corner::value);
    if (used >= evaluations || width(simplex) < tolerance) break;
    auto& worst = simplex.back();
    const auto middle = middle_of_others(simplex);
    auto reflected = corner_at(between(middle, worst.at, -1));
    if (reflected.value < simplex.front().value) {
      auto expanded = corner_at(between(middle, worst.at, -2));
      worst = expanded.value < reflected.value ? std::move(expanded) : std::move(reflected);
    } else if (reflected.value < simplex[simplex.size() - 2].value) {
      worst = std::move(reflected);
    } else {
      const auto& better = reflected.value < worst.value ? reflected : worst;
      auto contracted = corner_at(between(middle, better.at, 0.5));
      if (contracted.value < better.value) {
        worst = std::move(contracted);
      } else {
        for (std::size_t i = 1; i < simplex.size(); ++i)
          simplex[i] = corner_at(between(simplex.front().at, simplex[i].at, 0.5));
      }
    }
  }
  return {.at = simplex.front().at, .value = simplex.front().value, .evaluations = used};
}

}  // namespace scatlight::analysis
