#include "cpu/plane_filter.h"

#include <algorithm>
#include <cmath>

#include "cpu/kernels.h"

namespace scatlight::cpu {
namespace {

// A transform of one wavelet, for planes that need no padding: these have an even size of at least 6. Order
// 2, of which one scale has no paths, keeps to the plane itself.
ScatteringOptions options_for(int height, int width) {
  const auto even = [](int length) { return std::max(6, length + length % 2); };
  return resolve({.height = even(height),
                  .width = even(width),
                  .scales = 1,
                  .angles = 1,
                  .max_order = 2,
                  .boundary = Boundary::Padded,
                  .threads = 1});
}

}  // namespace

struct PlaneFilters::State {
  State(int height, int width)
      : height(height),
        width(width),
        kernels(available_kernels<float>().back()),
        options(options_for(height, width)),
        geometry(options),
        tables(options, geometry, FilterBank(options, geometry),
               {.lanes = kernels.lanes, .block_size = kernels.lanes}),
        spectrum(tables.spectra_size),
        scratch(scratch_size(tables.scratch, Pass::Backward)),
        map_gradients(static_cast<std::size_t>(tables.maps) * geometry.rows.output *
                      geometry.columns.output) {
    if (options.height != height || options.width != width)
      widened.resize(static_cast<std::size_t>(options.height) * options.width);
  }

  int height;
  int width;
  Kernels<float> kernels;
  ScatteringOptions options;
  Geometry geometry;
  Tables<float> tables;
  AlignedVector<float> spectrum;
  AlignedVector<float> scratch;
  std::vector<float> map_gradients;  // zeros: of maps that do not matter here
  std::vector<float> widened;        // a plane of even size, if the given one is not
};

PlaneFilters::PlaneFilters(int height, int width) : state_(std::make_unique<State>(height, width)) {}
PlaneFilters::~PlaneFilters() = default;

PlaneFilters::Filter PlaneFilters::make(const Response& response) const {
  const auto& folding = state_->tables.tilings[0].image_band->foldings.front();
  const int lanes = folding.lanes;
  // Cycles a sample of a row or column of the spectrum.
  const auto frequency = [](int k, int length) {
    return static_cast<double>(std::min(k, length - k)) / length;
  };
  const double factor = 1.0 / (static_cast<double>(folding.height) * folding.width);
  Filter filter;
  for (int block = 0; block < folding.columns.stored; ++block) {
    // The way back takes the real part: of columns whose mirror images are not stored, half of the plane.
    const double twice = block < folding.columns.pairs ? 2 : 1;
    for (const int row : folding.rows) {
      for (int lane = 0; lane < lanes; ++lane) {
        const bool is_used = lane < folding.columns.used(block);
        const int column = is_used ? folding.columns.column(block, lane) : 0;
        const double distance = std::hypot(frequency(row, folding.height), frequency(column, folding.width));
        filter.push_back(is_used ? static_cast<float>(factor * twice * response(distance)) : 0.0F);
      }
    }
  }
  return filter;
}

void PlaneFilters::apply(const Filter& filter, std::span<float> plane) {
  State& s = *state_;
  float* image = plane.data();
  if (!s.widened.empty()) {
    for (int y = 0; y < s.height; ++y)
      std::copy_n(&plane[static_cast<std::size_t>(y) * s.width], s.width,
                  &s.widened[static_cast<std::size_t>(y) * s.options.width]);
    image = s.widened.data();
  }
  s.kernels.of_columns.analyse_strip(s.tables, s.tables.tilings[0], 0, 1, image, s.spectrum.data(),
                                     {MapKind::None, nullptr}, s.scratch.data());
  const int lanes = s.kernels.lanes;
  float* element = s.spectrum.data();
  for (std::size_t i = 0; i < filter.size(); i += lanes, element += 2 * lanes) {
    for (int lane = 0; lane < lanes; ++lane) {
      element[lane] *= filter[i + lane];
      element[lanes + lane] *= filter[i + lane];
    }
  }
  const float* gradient = s.spectrum.data();
  s.kernels.of_columns.differentiate_planes(s.tables, 1, s.map_gradients.data(), &gradient, image,
                                            s.scratch.data());
  if (s.widened.empty()) return;
  for (int y = 0; y < s.height; ++y) {
    float* row = &s.widened[static_cast<std::size_t>(y) * s.options.width];
    std::copy_n(row, s.width, &plane[static_cast<std::size_t>(y) * s.width]);
    std::fill_n(row + s.width, s.options.width - s.width, 0.0F);
  }
  std::fill(s.widened.begin() + static_cast<std::ptrdiff_t>(s.height) * s.options.width, s.widened.end(),
            0.0F);
}

}  // namespace scatlight::cpu
