#include "cpu/tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <unordered_map>

#include "cpu/fft_plan.h"

namespace scatlight::cpu {
namespace {

int round_up(int value, int step) { return (value + step - 1) / step * step; }

// Standard deviations of a Gaussian beyond which less than this share of it lies.
double reach_of_gaussian(double share) {
  double reach = 0;
  while (std::erfc(reach / std::numbers::sqrt2) > share) reach += 1.0 / 16;
  return reach;
}

// What one group of scales takes on the best tiles for it, in nanoseconds a plane.
struct Choice {
  Tiles tiles;
  double cost = std::numeric_limits<double>::infinity();
};

class Chooser {
 public:
  Chooser(const ScatteringOptions& resolved, const Geometry& geometry, double epsilon, int lanes)
      : options_(resolved), geometry_(geometry), epsilon_(epsilon), lanes_(lanes) {}

  Choice best(int first_scale, int end_scale) {
    const auto whole = [](const Axis& axis) {
      return TileAxis{.plane = axis.padded, .length = axis.padded, .core = axis.padded, .count = 1};
    };
    Choice best{.tiles = {.first_scale = first_scale,
                          .end_scale = end_scale,
                          .rows = whole(geometry_.rows),
                          .columns = whole(geometry_.columns)}};
    best.cost = cost(best.tiles) * worth_it;
    Tiles tiles = best.tiles;
    for (const auto& rows : candidates(geometry_.rows, first_scale, end_scale)) {
      for (const auto& columns : candidates(geometry_.columns, first_scale, end_scale)) {
        tiles.rows = rows;
        tiles.columns = columns;
        if (const double of_tiles = cost(tiles); of_tiles < best.cost) best = {tiles, of_tiles};
      }
    }
    return best;
  }

 private:
  // What the plane itself may take more than tiles.
  static constexpr double worth_it = 0.95;

  double fft_of(int length) {
    const auto [at, is_new] = fft_costs_.try_emplace(length);
    if (is_new) at->second = fft_cost(length);
    return at->second;
  }

  // The plane itself and, for each number of tiles, those whose transforms take least time.
  std::vector<TileAxis> candidates(const Axis& axis, int first_scale, int end_scale) {
    std::vector<TileAxis> list = {
        {.plane = axis.padded, .length = axis.padded, .core = axis.padded, .count = 1}};
    const double sigma = options_.sigma * std::exp2(end_scale - 1) * std::max(1.0, 1 / options_.slant);
    const double exact_reach = std::ceil(sigma * reach_of_gaussian(16 * epsilon_));
    if (exact_reach > axis.padded) return list;
    const int reach = static_cast<int>(exact_reach);
    const int step = 1 << geometry_.level(end_scale - 1);
    int count = 0;
    for (int core = axis.padded; core >= std::max(reach, step);
         core = std::min(core - step, round_up(axis.padded / (count + 1), step))) {
      count = (axis.padded + core - 1) / core;
      const int shortest = round_up(core + 2 * reach, step);
      const int longest = std::min(2 * axis.padded, shortest + core / 4);
      int best = 0;
      double least = std::numeric_limits<double>::infinity();
      for (int length = shortest; length <= longest; length += step) {
        double sum = 0;
        for (int scale = first_scale; scale < end_scale; ++scale) {
          const int level = geometry_.level(scale);
          const double samples = length >> level;
          sum += samples * (fft_of(length >> level) + other_cost) / (1 << level);
        }
        if (sum < least) {
          least = sum;
          best = length;
        }
      }
      if (best > 0) list.push_back({.plane = axis.padded, .length = best, .core = core, .count = count});
    }
    return list;
  }

  double cost(const Tiles& tiles) {
    double paths = 0;
    for (int scale = tiles.first_scale; scale < tiles.end_scale; ++scale) {
      const int level = geometry_.level(scale);
      const double height = tiles.rows.length >> level;
      const double width = tiles.columns.length >> level;
      const double columns = round_up(tiles.columns.length >> level, lanes_);
      const double rows = round_up(tiles.rows.core >> level, lanes_);
      const double other = height * width * 2 * sizeof(float) <= (1 << 20) ? other_cost : 8;
      paths += columns * height * (fft_of(tiles.rows.length >> level) + other) +
               rows * width * (fft_of(tiles.columns.length >> level) + other);
    }
    const double samples = static_cast<double>(tiles.rows.length) * tiles.columns.length;
    const double spectrum =
        samples * (fft_of(tiles.rows.length) + fft_of(tiles.columns.length) + 2 * other_cost);
    return tiles.count() * (options_.angles * paths + spectrum);
  }

  static constexpr double other_cost = 4.3;

  const ScatteringOptions& options_;
  const Geometry& geometry_;
  double epsilon_;
  int lanes_;
  std::unordered_map<int, double> fft_costs_;
};

}  // namespace

std::vector<std::int32_t> TileAxis::positions(int tile) const {
  std::vector<std::int32_t> positions(length);
  const int after = (length - core + 1) / 2;
  for (int i = 0; i < length; ++i) {
    const int position = begin(tile) + (i < core + after ? i : i - length);
    positions[i] = (position % plane + plane) % plane;
  }
  return positions;
}

std::vector<Tiles> choose_tiles(const ScatteringOptions& resolved, const Geometry& geometry, double epsilon,
                                int lanes) {
  const auto whole = [](const Axis& axis) {
    return TileAxis{.plane = axis.padded, .length = axis.padded, .core = axis.padded, .count = 1};
  };
  const int scales = resolved.max_order >= 1 ? resolved.scales : 0;
  if (resolved.max_order != 1) return {{0, scales, whole(geometry.rows), whole(geometry.columns)}};

  // The best choice for the scales from each one on: of all ways to go on with a group that begins there.
  Chooser chooser(resolved, geometry, epsilon, lanes);
  std::vector<double> cost(scales + 1, std::numeric_limits<double>::infinity());
  std::vector<Tiles> group(scales);
  cost[scales] = 0;
  for (int first = scales - 1; first >= 0; --first) {
    for (int end = scales; end > first; --end) {
      const auto choice = chooser.best(first, end);
      if (choice.cost + cost[end] < cost[first]) {
        cost[first] = choice.cost + cost[end];
        group[first] = choice.tiles;
      }
    }
  }
  std::vector<Tiles> chosen;
  for (int scale = 0; scale < scales; scale = chosen.back().end_scale) chosen.push_back(group[scale]);
  return chosen;
}

}  // namespace scatlight::cpu
