#pragma once

// Plans, images and cases that the tests of the engines share.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "scatlight/scattering.h"

namespace scatlight::test {

/// The one to test, where an emulator is too slow for all: SCATLIGHT_TEST_ENGINE. Empty: all of this machine.
inline std::string only_engine() {
  const char* name = std::getenv("SCATLIGHT_TEST_ENGINE");
  return name == nullptr ? "" : name;
}
inline bool is_emulated() { return !only_engine().empty(); }

inline std::vector<std::string> engines() {
  auto engines = Scattering::available_engines();
  const auto only = only_engine();
  if (!only.empty()) std::erase_if(engines, [&](const auto& engine) { return engine != only; });
  return engines;
}

/// All but the reference.
inline std::vector<std::string> fast_engines() {
  auto engines = test::engines();
  std::erase(engines, "reference");
  return engines;
}

inline Scattering make_plan(const std::string& engine, const ScatteringOptions& options) {
  ::setenv("SCATLIGHT_ENGINE", engine.c_str(), 1);
  Scattering plan(options);
  ::unsetenv("SCATLIGHT_ENGINE");
  EXPECT_EQ(plan.engine(), engine);
  return plan;
}

template <class T>
std::vector<T> transform(const Scattering& plan, const std::vector<T>& images) {
  const auto plane = static_cast<std::size_t>(plan.options().height) * plan.options().width;
  std::vector<T> features(
      images.size() / plane * plan.paths().size() * plan.output_height() * plan.output_width(),
      std::numeric_limits<T>::quiet_NaN());
  plan.forward(std::span<const T>(images), std::span<T>(features));
  return features;
}

template <class T>
std::vector<T> random_planes(const ScatteringOptions& options, int planes, unsigned seed = 0) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<T> uniform(0, 1);
  std::vector<T> images(static_cast<std::size_t>(planes) * options.height * options.width);
  for (auto& sample : images) sample = uniform(generator);
  return images;
}

/// dL/dfeatures for some L: numbers of both signs.
template <class T>
std::vector<T> random_gradients(const Scattering& plan, int planes) {
  std::mt19937 generator(5);
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::vector<T> gradients(planes * plan.paths().size() * plan.output_height() * plan.output_width());
  for (auto& gradient : gradients) gradient = uniform(generator);
  return gradients;
}

template <class T>
std::vector<T> differentiate(const Scattering& plan, const std::vector<T>& images,
                             const std::vector<T>& gradients) {
  std::vector<T> result(images.size(), std::numeric_limits<T>::quiet_NaN());
  plan.backward(std::span<const T>(images), std::span<const T>(gradients), std::span<T>(result));
  return result;
}

/// A plane of samples, maps or gradients, times each of some factors.
template <class T>
std::vector<T> times(const std::vector<T>& plane, const std::vector<T>& factors) {
  std::vector<T> planes;
  planes.reserve(plane.size() * factors.size());
  for (const T factor : factors) {
    for (const T value : plane) planes.push_back(factor * value);
  }
  return planes;
}

/// Planes to try options with: one where the reference engine needs long for it.
inline int planes_for(const ScatteringOptions& options, int most) {
  return options.height * options.width > 100000 || is_emulated() ? 1 : most;
}

/// As many planes of images, maps or gradients as fill some vectors and leave others not full, if small
/// planes share vectors: the given ones again and again.
constexpr int many_planes = 21;
template <class T>
std::vector<T> repeat_planes(const std::vector<T>& planes, int count) {
  const std::size_t size = planes.size() / count;
  std::vector<T> many(many_planes * size);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = planes[i % planes.size()];
  return many;
}

/// Whether planes may be so small that they share vectors.
inline bool are_small(const ScatteringOptions& options) { return options.height * options.width < 6000; }

/// Several tiles in one direction or both, for some scales or all.
inline std::vector<ScatteringOptions> cases_on_tiles() {
  return {
      {.height = 331, .width = 331, .scales = 3, .angles = 4},
      {.height = 130, .width = 1399, .scales = 1, .angles = 3},
      {.height = 450, .width = 620, .scales = 3, .angles = 2},
      {.height = 340, .width = 460, .scales = 2, .angles = 2, .stride = 2, .boundary = Boundary::Zero},
      {.height = 997, .width = 180, .scales = 1, .angles = 2, .boundary = Boundary::Periodic},
      {.height = 300, .width = 330, .scales = 3, .angles = 1, .stride = 1},
      {.height = 520, .width = 330, .scales = 4, .angles = 1, .stride = 4},
      {.height = 1600, .width = 34, .scales = 5, .angles = 1},
  };
}

/// Whose planes of scale 0 have a vector-radix plan, with vectors of 16 values: each factor that there is a
/// kernel for.
inline std::vector<ScatteringOptions> cases_by_vector_radix() {
  return {
      {.height = 96, .width = 128, .scales = 3, .angles = 5},
      {.height = 160, .width = 192, .scales = 3, .angles = 2, .stride = 4, .boundary = Boundary::Zero},
      {.height = 320, .width = 224, .scales = 3, .angles = 3},
      {.height = 128, .width = 96, .scales = 3, .angles = 1, .boundary = Boundary::Periodic},
      {.height = 208, .width = 176, .scales = 3, .angles = 2, .boundary = Boundary::Padded},
      {.height = 96, .width = 96, .scales = 3, .angles = 2, .stride = 1},  // all scales
      {.height = 288, .width = 192, .scales = 3, .angles = 1},             // a tile longer than the plane
      {.height = 224, .width = 224, .scales = 4, .angles = 3},
      {.height = 256, .width = 240, .scales = 3, .angles = 4, .boundary = Boundary::Periodic},
      {.height = 240, .width = 256, .scales = 3, .angles = 4, .boundary = Boundary::Periodic},
      {.height = 600, .width = 901, .scales = 3, .angles = 1},  // nine tiles
  };
}

inline std::vector<ScatteringOptions> cases() {
  std::vector<ScatteringOptions> list = {
      {.height = 64, .width = 64, .max_order = 2},
      {.height = 33, .width = 57, .scales = 2, .max_order = 2},
      {.height = 40, .width = 40, .scales = 2, .angles = 6, .max_order = 2},
      {.height = 37, .width = 41, .scales = 1, .angles = 5, .max_order = 2},
      {.height = 32, .width = 48, .scales = 5, .angles = 3, .max_order = 2},
      {.height = 24, .width = 24, .scales = 2, .angles = 1},
      {.height = 30, .width = 45, .scales = 2, .angles = 12},
      {.height = 30, .width = 30, .scales = 3, .angles = 19},
      {.height = 62, .width = 94, .scales = 1, .angles = 4},  // lengths with large primes
      {.height = 224, .width = 224, .scales = 3, .max_order = 0},
      {.height = 2, .width = 2, .scales = 1, .max_order = 2},  // the smallest
      {.height = 4, .width = 500, .scales = 2},
      {.height = 500, .width = 4, .scales = 2},
      {.height = 300, .width = 20, .scales = 3, .max_order = 2},
      {.height = 110, .width = 118, .scales = 2},  // 4 x 29 by 4 x 31: on a longer tile
      {.height = 56, .width = 90, .scales = 1, .boundary = Boundary::Periodic},  // 2 x 47: one longer axis
      {.height = 500, .width = 300, .scales = 5, .angles = 1},
      {.height = 132, .width = 100, .scales = 1, .angles = 1},
  };
  std::ranges::copy(cases_on_tiles(), std::back_inserter(list));
  if (is_emulated()) {
    // An emulator takes minutes for the large ones. Vector radices are for longer vectors than these.
    std::erase_if(list, [](const auto& options) { return options.height * options.width > 120'000; });
  } else {
    std::ranges::copy(cases_by_vector_radix(), std::back_inserter(list));
  }
  for (auto boundary : {Boundary::Periodic, Boundary::Zero, Boundary::Padded}) {
    list.push_back({.height = 40, .width = 56, .scales = 3, .max_order = 2, .boundary = boundary});
  }
  for (int stride : {1, 2, 4}) {
    list.push_back({.height = 40, .width = 29, .scales = 3, .angles = 4, .max_order = 2, .stride = stride});
  }
  list.push_back(
      {.height = 40, .width = 40, .wavelet = Wavelet::Gabor, .normalization = Normalization::Exact});
  list.push_back({.height = 40, .width = 40, .sigma = 0.6, .center_frequency = 2, .slant = 0.7});
  return list;
}

inline std::string name_of(const ScatteringOptions& o) {
  return fmt::format("{}x{} J={} L={} order {} stride {}", o.height, o.width, o.scales, o.angles, o.max_order,
                     o.stride);
}

inline std::string name_of(const Scattering& plan) {
  return fmt::format("{}, {}", plan.engine(), name_of(plan.options()));
}

}  // namespace scatlight::test
