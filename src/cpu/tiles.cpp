#include "cpu/tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <unordered_map>

#include "cpu/costs.h"
#include "cpu/fft_plan.h"
#include "cpu/vector_radix.h"

namespace scatlight::cpu {
namespace {

// Standard deviations of a Gaussian beyond which less than this fraction of it lies.
double reach_of_gaussian(double fraction) {
  double reach = 0;
  while (std::erfc(reach / std::numbers::sqrt2) > fraction) reach += 1.0 / 16;
  return reach;
}

TileAxis whole(const Axis& axis) {
  return {.plane = axis.padded, .length = axis.padded, .core = axis.padded, .count = 1};
}

struct Choice {
  Tiles tiles;
  double cost;
};

// Looks for the tiles on which the wavelets of some scales take least time.
class Chooser {
 public:
  Chooser(const ScatteringOptions& resolved, const Geometry& geometry, const SampleType& sample_type)
      : options_(resolved), geometry_(geometry), sample_type_(sample_type) {}

  Choice best(int first_scale, int end_scale) {
    Tiles tiles = {.first_scale = first_scale,
                   .end_scale = end_scale,
                   .rows = whole(geometry_.rows),
                   .columns = whole(geometry_.columns)};
    Choice best = {tiles, cost(tiles) * tiling_cost.worth_it};
    const auto of_columns = candidates(geometry_.columns, first_scale, end_scale);
    for (const auto& rows : candidates(geometry_.rows, first_scale, end_scale)) {
      for (const auto& columns : of_columns) {
        tiles.rows = rows;
        tiles.columns = columns;
        if (const double of_tiles = cost(tiles); of_tiles < best.cost) best = {tiles, of_tiles};
      }
    }
    return best;
  }

 private:
  double fft_of(int length) {
    const auto [at, is_new] = fft_costs_.try_emplace(length);
    if (is_new) at->second = fft_cost(length, vector_bytes());
    return at->second;
  }

  bool fits_vector_radix(int length) const {
    return VectorRadixPlan::fits(length, length, sample_type_.packing);
  }

  // The plane itself and, for each number of tiles, those whose transforms take least and those that have a
  // vector-radix plan.
  std::vector<TileAxis> candidates(const Axis& axis, int first_scale, int end_scale) {
    std::vector<TileAxis> list = {whole(axis)};
    const double sigma = options_.sigma * std::exp2(end_scale - 1) * std::max(1.0, 1 / options_.slant);
    const double exact_halo = std::ceil(sigma * reach_of_gaussian(16 * sample_type_.epsilon));
    if (exact_halo > axis.padded) return list;
    const int halo = static_cast<int>(exact_halo);
    const int step = 1 << geometry_.level(end_scale - 1);
    int count = 0;
    for (int core = axis.padded; core >= std::max(halo, step);
         core = std::min(core - step, round_up(axis.padded / (count + 1), step))) {
      count = (axis.padded + core - 1) / core;
      const int shortest = round_up(core + 2 * halo, step);
      // Longer tiles cost more by their length than any transform could save.
      const int longest = shortest + core / 4;
      TileAxis best = {.plane = axis.padded, .length = 0, .core = core, .count = count};
      double least = std::numeric_limits<double>::infinity();
      for (int length = shortest; length <= longest; length += step) {
        double sum = 0;
        for (int scale = first_scale; scale < end_scale; ++scale) {
          const int level = geometry_.level(scale);
          sum += length * (fft_of(length >> level) + transfer(0)) / (1 << 2 * level);
        }
        if (sum < least) {
          least = sum;
          best.length = length;
        }
      }
      list.push_back(best);
      if (geometry_.level(first_scale) > 0 || fits_vector_radix(best.length)) continue;
      for (int length = shortest; length <= longest; length += step) {
        if (!fits_vector_radix(length)) continue;
        best.length = length;
        list.push_back(best);
        break;
      }
    }
    return list;
  }

  // The model, in nanoseconds, from cpu/costs.h.

  int vector_bytes() const { return sample_type_.packing.lanes * sample_type_.bytes; }
  double vector_size() const { return vector_bytes() / 32.0; }
  // What a vector costs in one of the two passes beside its transform, if the complex plane has so many
  // bytes.
  double transfer(double plane_bytes) const {
    const double megabytes = std::min(plane_bytes / (1 << 20), 16.0);
    const auto cost_of = [&](const TransferCost& cost) {
      return cost.per_vector + cost.per_megabyte * megabytes;
    };
    return is_wide(vector_bytes()) ? cost_of(wide_transfer) : vector_size() * cost_of(narrow_transfer);
  }
  static double vector_radix_cost(int length) {
    return VectorRadixCost::of_factor(length / VectorRadixPlan::radix);
  }
  static double vector_radix_transfer(double plane_bytes) {
    return vector_radix.per_megabyte * plane_bytes / (1 << 20);
  }
  int vectors(int samples) const {
    return round_up(samples, sample_type_.packing.block_size) / sample_type_.packing.block_size;
  }

  double cost(const Tiles& tiles) {
    const int first_level = geometry_.level(tiles.first_scale);
    const int last_level = geometry_.level(tiles.end_scale - 1);
    const int height = tiles.rows.length;
    const int width = tiles.columns.length;
    const double plane_bytes = 2.0 * sample_type_.bytes * height * width;

    double paths = 0;
    for (int scale = tiles.first_scale; scale < tiles.end_scale; ++scale) {
      const int level = geometry_.level(scale);
      const int h = height >> level;
      const int w = width >> level;
      const double other = transfer(plane_bytes / (1 << 2 * level));
      if (level == 0 && VectorRadixPlan::fits(h, w, sample_type_.packing)) {
        paths += vectors(w) * h *
                 (vector_radix_cost(h) + vector_radix_cost(w) + vector_radix_transfer(plane_bytes));
      } else {
        paths += vectors(w) * h * (fft_of(h) + other) +
                 vectors(tiles.rows.core >> level) * w * (fft_of(w) + other);
      }
      // Half of the finest spectrum is read to be folded.
      if (level > 0) {
        const double beyond_caches = std::min(plane_bytes / (2 << 20), 1.0);
        paths += vectors(w) * h * vector_size() *
                 (tiling_cost.fold + tiling_cost.fold_from_memory * beyond_caches);
      }
      if (tiles.columns.count > 1)
        paths += vectors(tiles.rows.core >> level) * w * vector_size() * tiling_cost.seam;
    }
    // Loading, low-pass and unfolding take as long as the transform saves because samples are real.
    const double foldings = tiling_cost.analysis * (last_level - first_level + 1);
    const double analysis = vectors(width) * height * (1 + foldings) *
                            (fft_of(height) + fft_of(width) + 2 * transfer(2 * plane_bytes));
    return tiles.count() * (options_.angles * paths + analysis);
  }

  const ScatteringOptions& options_;
  const Geometry& geometry_;
  SampleType sample_type_;
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

Tiles whole_plane(const ScatteringOptions& resolved, const Geometry& geometry) {
  return {0, resolved.max_order >= 1 ? resolved.scales : 0, whole(geometry.rows), whole(geometry.columns)};
}

std::vector<Tiles> choose_tiles(const ScatteringOptions& resolved, const Geometry& geometry,
                                const SampleType& sample_type) {
  if (resolved.max_order != 1) return {whole_plane(resolved, geometry)};
  const int scales = resolved.scales;

  // The best choice for the scales from each one on: of all ways to go on with a group that begins there.
  Chooser chooser(resolved, geometry, sample_type);
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
