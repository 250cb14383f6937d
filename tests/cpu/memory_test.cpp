#include "cpu/memory.h"

#include <gtest/gtest.h>

#include "cpu/tables.h"

namespace scatlight::cpu {
namespace {

template <class T>
double filter_bytes(const Tables<T>& tables) {
  std::size_t values = 0;
  const auto add = [&](const Band<T>& band) {
    for (const auto& filter : *band.filters) values += filter.values.size();
  };
  for (const auto& tiling : tables.tilings) {
    if (tiling.image_band) add(*tiling.image_band);
  }
  for (const auto& band : tables.modulus_bands) add(band);
  return static_cast<double>(values * sizeof(T));
}

template <class T>
void compare(const ScatteringOptions& options, int lanes) {
  const auto resolved = resolve(options);
  const Geometry geometry(resolved);
  const Packing packing = {.lanes = lanes, .block_size = lanes};
  const Tables<T> tables(resolved, geometry, FilterBank(resolved, geometry), packing);
  const double bytes = filter_bytes(tables);
  const double estimate = filter_memory<T>(resolved, geometry, packing);
  EXPECT_NEAR(estimate / bytes, 1, 0.15) << bytes << " bytes";
}

TEST(FilterMemory, IsWhatFiltersTake) {
  compare<float>({.height = 640, .width = 480, .scales = 3, .max_order = 2}, 16);
  compare<float>({.height = 500, .width = 700, .scales = 5, .max_order = 2}, 8);
  compare<float>({.height = 512, .width = 512, .scales = 3, .angles = 16, .max_order = 2}, 16);
  compare<float>({.height = 512, .width = 512, .scales = 3, .max_order = 2, .stride = 2}, 16);
  compare<float>({.height = 1024, .width = 1024, .scales = 5, .max_order = 1}, 16);
  compare<double>({.height = 480, .width = 320, .scales = 3, .max_order = 2}, 8);
}

}  // namespace
}  // namespace scatlight::cpu
