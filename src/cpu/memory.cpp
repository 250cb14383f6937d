#include "cpu/memory.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/filter_bank.h"
#include "cpu/tiles.h"
#include "cpu/vector_radix.h"

namespace scatlight::cpu {
namespace {

// What a filter keeps of a spectrum: fractions of all samples, and of all columns.
struct Kept {
  double samples = 0;
  double columns = 0;
};

// Spectra of wavelets have the same shape on every plane, so that a small one shows how much is kept; those
// of one scale more are half as long and wide.
class KeptFractions {
 public:
  KeptFractions(const ScatteringOptions& resolved, const Geometry& geometry, double negligible)
      : options_(resolved), bank_(resolved, small(geometry)), negligible_(negligible) {}

  // None for a wavelet that is the mirror image of another.
  Kept of(int scale, int angle) {
    const int measured = std::min(scale, coarsest);
    const auto& kept = measure(measured, angle);
    const double smaller = std::exp2(measured - scale);
    return {kept.samples * smaller * smaller, kept.columns * smaller};
  }

 private:
  static constexpr int size = 256;
  static constexpr int coarsest = 3;

  static Geometry small(Geometry geometry) {
    geometry.rows.padded = geometry.columns.padded = size;
    return geometry;
  }

  const Kept& measure(int scale, int angle) {
    const std::size_t index = static_cast<std::size_t>(scale) * options_.angles + angle;
    for (std::size_t i = measured_.size(); i <= index; ++i)
      measured_.push_back(make(static_cast<int>(i) / options_.angles, static_cast<int>(i) % options_.angles));
    return measured_[index];
  }

  Kept make(int scale, int angle) const {
    if (bank_.is_mirrored(scale, angle)) return {};
    const auto wavelet = bank_.wavelet(scale, angle);
    int samples = 0;
    int columns = 0;
    std::vector<double> values(size);
    for (int column = 0; column < size; ++column) {
      wavelet.column(column, values);
      const auto kept =
          std::ranges::count_if(values, [&](double value) { return std::abs(value) >= negligible_; });
      samples += static_cast<int>(kept);
      columns += kept > 0 ? 1 : 0;
    }
    return {static_cast<double>(samples) / (size * size), static_cast<double>(columns) / size};
  }

  const ScatteringOptions& options_;
  FilterBank bank_;
  double negligible_;
  std::vector<Kept> measured_;  // by scale and angle
};

}  // namespace

template <class T>
double filter_memory(const ScatteringOptions& resolved, const Geometry& geometry, Packing packing) {
  if (resolved.max_order < 1) return 0;
  const double epsilon = std::numeric_limits<T>::epsilon();
  KeptFractions fractions(resolved, geometry, 4 * epsilon);  // as FoldedFilter
  double values = 0;
  // Of filters for spectra at a level of a plane or tile.
  const auto add = [&](double height, double width, int level, int first_scale, int end_scale,
                       bool by_vector_radix) {
    const double all = height * width;
    const double at_level = std::exp2(-2 * level);
    for (int scale = first_scale; scale < end_scale; ++scale) {
      for (int angle = 0; angle < resolved.angles; ++angle) {
        const auto [samples, columns] = fractions.of(scale, angle);
        if (samples == 0) continue;
        if (by_vector_radix && scale == first_scale) {
          values += all;
        } else if (geometry.level(scale) == level) {  // whole columns
          values += all * at_level * std::min(1.0, columns * std::exp2(level));
        } else {
          values += all * std::min(at_level, samples);
        }
      }
    }
  };
  const SampleType sample_type = {
      .epsilon = epsilon, .bytes = static_cast<int>(sizeof(T)), .packing = packing};
  for (const auto& tiles : choose_tiles(resolved, geometry, sample_type)) {
    const int height = tiles.rows.length;
    const int width = tiles.columns.length;
    const bool by_vector_radix = resolved.max_order == 1 && geometry.level(tiles.first_scale) == 0 &&
                                 VectorRadixPlan::fits(height, width, packing);
    add(height, width, 0, tiles.first_scale, tiles.end_scale, by_vector_radix);
  }
  if (resolved.max_order >= 2) {
    for (int scale = 0; scale + 1 < resolved.scales; ++scale)
      add(geometry.rows.padded, geometry.columns.padded, geometry.level(scale), scale + 1, resolved.scales,
          false);
  }
  return values * sizeof(T);
}

template double filter_memory<float>(const ScatteringOptions&, const Geometry&, Packing);
template double filter_memory<double>(const ScatteringOptions&, const Geometry&, Packing);

}  // namespace scatlight::cpu
