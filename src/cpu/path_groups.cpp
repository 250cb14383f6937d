#include "cpu/path_groups.h"

#include <algorithm>
#include <iterator>

namespace scatlight::cpu {
namespace {

// Of the scales from `first_scale` on that a tiling has; those before `first_grouped_scale` have groups of
// one path.
template <class T>
void add_groups(const ScatteringOptions& resolved, const Geometry& geometry,
                const std::vector<Tiling<T>>& tilings, int index, int first_scale, int first_grouped_scale,
                std::vector<PathGroup>& groups) {
  const auto& tiling = tilings[index];
  const auto plane_size = [&](int scale) { return tiling.levels[geometry.level(scale)].plane_size; };
  for (int scale = first_scale; scale < tiling.tiles.end_scale; ++scale) {
    const bool alone = tiling.count() > 1 || scale < first_grouped_scale;
    const int largest =
        alone ? 1 : static_cast<int>(plane_size(tiling.tiles.first_scale) / plane_size(scale));
    for (int angle = 0; angle < resolved.angles; angle += largest) {
      groups.push_back({.tiling = index,
                        .scale = scale,
                        .angle = angle,
                        .count = std::min(largest, resolved.angles - angle),
                        .inversion = Inversion::RowColumn,
                        .filters = {}});
    }
  }
}

}  // namespace

template <class T>
PathGroups<T>::PathGroups(const ScatteringOptions& resolved, const Geometry& geometry,
                          std::vector<Tiling<T>>& tilings) {
  if (resolved.max_order < 1) return;
  const int pairs = resolved.max_order >= 2 ? resolved.scales - 1 : 0;  // scales that order 2 goes on from
  for (int i = 0; i < std::ssize(tilings); ++i)
    add_groups(resolved, geometry, tilings, i, tilings[i].tiles.first_scale, pairs, first);
  for (auto& group : first) {
    const auto& band = *tilings[group.tiling].image_band;
    group.inversion = band.inversion(geometry.level(group.scale));
  }
  find_filters(tilings);
  second.resize(pairs);
  for (int scale = 0; scale < pairs; ++scale)
    add_groups(resolved, geometry, tilings, 0, scale + 1, resolved.scales, second[scale]);
  deal(geometry, tilings);
}

template <class T>
void PathGroups<T>::find_filters(const std::vector<Tiling<T>>& tilings) {
  for (auto& group : first)
    group.filters = tilings[group.tiling].image_band->memory(group.scale, group.angle, group.count);
}

template <class T>
void PathGroups<T>::deal(const Geometry& geometry, std::vector<Tiling<T>>& tilings) {
  // By samples of planes.
  const auto samples = [&](const PathGroup& group) {
    const auto& tiling = tilings[group.tiling];
    const auto& level = tiling.levels[geometry.level(group.scale)];
    return static_cast<double>(tiling.count()) * level.height * level.width * group.count;
  };
  std::vector<double> before = {0};
  for (const auto& group : first) {
    double cost = samples(group);
    if (group.scale < std::ssize(second)) {
      for (const auto& below : second[group.scale]) cost += samples(below);
    }
    before.push_back(before.back() + cost);
  }
  for (auto& tiling : tilings)
    std::ranges::fill(tiling.image_band->gradient_sums, typename Band<T>::Sums{sums, 0});
  std::size_t i = 0;
  for (int sum = 0; sum < sums; ++sum) {
    const double end = before.back() * (sum + 1) / sums;
    // A group belongs to the sum that has its middle.
    for (; i < first.size() && (before[i] + before[i + 1]) / 2 <= end; ++i) {
      auto& band = *tilings[first[i].tiling].image_band;
      auto& of_level = band.gradient_sums[geometry.level(first[i].scale) - band.first_to_level];
      of_level = {std::min(of_level.first, sum), sum + 1};
    }
    sum_begin[sum + 1] = i;
  }
}

template struct PathGroups<float>;
template struct PathGroups<double>;

}  // namespace scatlight::cpu
