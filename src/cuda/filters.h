#pragma once

#include <cstddef>
#include <vector>

#include "core/filter_bank.h"
#include "cuda/tables.h"

namespace scatlight::cuda {

/// The wavelets of one scale as they are applied to sources at one level; kernels.h's FilterParts.
struct ScaleFilters {
  int count = 0;
  std::ptrdiff_t first_place = 0;
  std::ptrdiff_t first_part = 0;
  bool whole = false;  ///< one part with all its rows, for every angle

  template <class T>
  FilterParts<T> at(const Constants<T>& constants) const {
    return {count, constants.places + first_place, constants.parts + first_part, constants.filter_values};
  }
};

/// The wavelets for sources at one level: images, or |x * psi_j|.
struct Band {
  int level = 0;
  int first_scale = 0;
  std::vector<ScaleFilters> scales;  ///< from first_scale on
};

/// What the kernels read that follows from the wavelets, made on the host. How many bands and scales there
/// are follows from the options alone.
template <class T>
struct Filters {
  Filters(const Tables<T>& tables, const FilterBank& bank);

  std::vector<Band> bands;  ///< of images, then of |x * psi_j| by j; as far as the order needs them

  std::vector<int> places;
  std::vector<FilterPart> parts;
  std::vector<T> values;

 private:
  Band make_band(const Tables<T>& tables, const FilterBank& bank, int level, int first_scale);
  ScaleFilters add_scale(const Tables<T>& tables, const FilterBank& bank, int level, int scale,
                         bool all_parts);
};

/// Where tables and filters are if they are not copied anywhere.
template <class T>
Constants<T> constants_of(const Tables<T>& tables, const Filters<T>& filters) {
  return {tables.integers.data(), tables.reals.data(),  tables.roots.data(),
          filters.places.data(),  filters.parts.data(), filters.values.data()};
}

}  // namespace scatlight::cuda
