#include "core/geometry.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <thread>

namespace scatlight {
namespace {

// The largest side of an image and the largest number of angles: far beyond use, and small enough that no
// index overflows 32 bits along an axis and 64 bits over a plane.
constexpr int max_side = 1 << 16;
constexpr int max_angles = 256;
constexpr int max_threads = 1024;

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

void require(bool holds, const std::string& message) {
  if (!holds) throw Error(message);
}

void check_side(const char* name, int size, const ScatteringOptions& options) {
  const int block = 1 << options.scales;
  require(size >= 1 && size <= max_side,
          fmt::format("{} is {}; it must be between 1 and {}", name, size, max_side));
  if (options.boundary == Boundary::Padded) {
    require(
        size % block == 0 && size >= 3 * block,
        fmt::format("{} is {}; with the boundary 'padded' it must be a multiple of 2^J = {} and at least {}",
                    name, size, block, 3 * block));
  } else {
    require(size >= block, fmt::format("{} is {}; it must be at least 2^J = {} (J = {} scales)", name, size,
                                       block, options.scales));
  }
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

ScatteringOptions resolve(ScatteringOptions options) {
  require(options.scales >= 1 && options.scales <= 16,
          fmt::format("scales is {}; J must be between 1 and 16", options.scales));
  require(options.angles >= 1 && options.angles <= max_angles,
          fmt::format("angles is {}; L must be between 1 and {}", options.angles, max_angles));
  require(options.max_order >= 0 && options.max_order <= 2,
          fmt::format("max_order is {}; it must be 0, 1 or 2", options.max_order));
  check_side("height", options.height, options);
  check_side("width", options.width, options);

  const int block = 1 << options.scales;
  if (options.stride == 0) options.stride = block;
  require(
      options.stride >= 1 && options.stride <= block &&
          std::has_single_bit(static_cast<unsigned>(options.stride)),
      fmt::format("stride is {}; it must be a power of two between 1 and 2^J = {}", options.stride, block));
  if (options.slant == 0) options.slant = 4.0 / options.angles;
  // Far beyond use; a wavelet much narrower than a sample would have a spectrum of millions of periods.
  require(options.slant >= 0.01 && options.slant <= 10,
          fmt::format("slant is {}; it must be between 0.01 and 10, or 0 for 4 / L", options.slant));
  require(options.sigma >= 0.1 && options.sigma <= 100,
          fmt::format("sigma is {}; it must be between 0.1 and 100 samples", options.sigma));
  require(options.center_frequency >= 0.01 && options.center_frequency <= 100,
          fmt::format("center_frequency is {}; it must be between 0.01 and 100 radians a sample",
                      options.center_frequency));
  require(options.threads >= 0 && options.threads <= max_threads,
          fmt::format("threads is {}; it must be between 1 and {}, or 0 for one per core", options.threads,
                      max_threads));
  require(options.memory_limit >= 0,
          fmt::format("memory_limit is {}; it must be 0 bytes or more", options.memory_limit));
  if (options.threads == 0)
    options.threads = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, max_threads);
  return options;
}

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
