#include "core/geometry.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>

namespace scatlight {
namespace {

Axis make_axis(int size, const ScatteringOptions& resolved) {
  const int block = 1 << resolved.scales;
  Axis axis{.size = size};
  if (resolved.boundary == Boundary::Padded) {
    axis.padded = size;
  } else {
    axis.padded = ((size + block) / block + 1) * block;
    axis.before = (axis.padded - size) / 2;
  }
  axis.output = (axis.padded - 2 * block) / resolved.stride;
  return axis;
}

}  // namespace

std::vector<int> Axis::sources(Boundary boundary) const {
  std::vector<int> table(padded);
  for (int i = 0; i < padded; ++i) {
    const int position = i - before;
    switch (boundary) {
      case Boundary::Padded:
        table[i] = position;
        break;
      case Boundary::Zero:
        table[i] = position >= 0 && position < size ? position : -1;
        break;
      case Boundary::Periodic:
        table[i] = (position % size + size) % size;
        break;
      case Boundary::Reflect: {
        // Mirrored at the centre of the edge samples, again and again: a triangle wave of period 2 (size -
        // 1).
        const int period = 2 * (size - 1);
        const int phase = (position % period + period) % period;
        table[i] = phase < size ? phase : period - phase;
        break;
      }
    }
  }
  return table;
}

Geometry::Geometry(const ScatteringOptions& resolved)
    : rows(make_axis(resolved.height, resolved)),
      columns(make_axis(resolved.width, resolved)),
      output_level(std::countr_zero(static_cast<unsigned>(resolved.stride))),
      output_border(1 << (resolved.scales - output_level)) {}

std::int64_t count_planes(const Geometry& geometry, std::size_t maps, std::size_t images,
                          std::size_t features, std::string_view features_name) {
  const auto& rows = geometry.rows;
  const auto& columns = geometry.columns;
  const auto plane = static_cast<std::size_t>(rows.size) * columns.size;
  const auto plane_features = maps * rows.output * columns.output;
  const auto planes = images / plane;
  if (images != planes * plane) {
    throw Error(fmt::format("images hold {} samples; that is no multiple of height x width = {} x {}", images,
                            rows.size, columns.size));
  }
  if (features != planes * plane_features) {
    throw Error(fmt::format("{} hold {} values; {} planes give {} x {} x {} x {} = {}", features_name,
                            features, planes, planes, maps, rows.output, columns.output,
                            planes * plane_features));
  }
  return static_cast<std::int64_t>(planes);
}

std::int64_t count_maps(const ScatteringOptions& resolved) {
  const std::int64_t first = std::int64_t{resolved.scales} * resolved.angles;
  const std::int64_t second = first * resolved.angles * (resolved.scales - 1) / 2;
  return 1 + (resolved.max_order >= 1 ? first : 0) + (resolved.max_order >= 2 ? second : 0);
}

std::int64_t map_index(const ScatteringOptions& resolved, const Path& path) {
  if (path.order == 0) return 0;
  const std::int64_t angles = resolved.angles;
  const std::int64_t first = path.scale1 * angles + path.angle1;
  if (path.order == 1) return 1 + first;
  // Before those of scale1: of each finer scale j, the J - 1 - j coarser ones.
  const std::int64_t coarser = resolved.scales - 1 - path.scale1;
  const std::int64_t before = path.scale1 * (resolved.scales - 1 + coarser + 1) / 2;
  const std::int64_t pairs = before * angles + path.angle1 * coarser + (path.scale2 - path.scale1 - 1);
  return 1 + resolved.scales * angles + pairs * angles + path.angle2;
}

std::vector<Path> make_paths(const ScatteringOptions& resolved) {
  const int scales = resolved.scales;
  const int angles = resolved.angles;
  std::vector<Path> paths = {{}};
  if (resolved.max_order >= 1) {
    for (int j = 0; j < scales; ++j) {
      for (int theta = 0; theta < angles; ++theta)
        paths.push_back({.order = 1, .scale1 = j, .angle1 = theta});
    }
  }
  if (resolved.max_order >= 2) {
    for (int j1 = 0; j1 < scales; ++j1) {
      for (int theta1 = 0; theta1 < angles; ++theta1) {
        for (int j2 = j1 + 1; j2 < scales; ++j2) {
          for (int theta2 = 0; theta2 < angles; ++theta2) paths.push_back({2, j1, theta1, j2, theta2});
        }
      }
    }
  }
  return paths;
}

}  // namespace scatlight
