#pragma once

#include <vector>

#include "core/filter_bank.h"
#include "core/geometry.h"
#include "cpu/fft_plan.h"

namespace scatlight::cpu {

/// phi_J along one axis at one level, as the weights of the samples around each output sample. The kernel is
/// cut where what is left is below the precision of T; where it never is, it covers the whole axis.
template <class T>
struct LowPass {
  LowPass(const FilterBank& bank, const Axis& axis, const Geometry& geometry, int level);

  std::vector<T> weights;  ///< (taps)
  std::vector<int> first;  ///< (outputs): the sample under weights[0], in [0, length); samples wrap around
  int taps() const { return static_cast<int>(weights.size()); }
};

/// What the engine knows about planes of one sampling step.
template <class T>
struct Level {
  Level(const FilterBank& bank, const Geometry& geometry, int level);

  int height;
  int width;
  FftPlan<T> along_columns;  ///< of length height
  FftPlan<T> along_rows;     ///< of length width
  LowPass<T> vertical;
  LowPass<T> horizontal;
};

/// Everything that the kernels read: made once for a plan, the same for all instruction sets but for `lanes`.
/// Spectra are stored by columns, (width, height), because the engine transforms columns first.
template <class T>
struct Tables {
  Tables(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank, int lanes);

  const std::vector<T>& second_filter(int level, int scale, int angle) const {
    return second_filters[(static_cast<std::size_t>(level) * options.scales + scale) * options.angles +
                          angle];
  }

  ScatteringOptions options;
  Geometry geometry;
  std::vector<int> row_sources;
  std::vector<int> column_sources;
  std::vector<Level<T>> levels;
  int maps;  ///< output maps of a plane

  /// psi_{j,theta} of each scale at level 0: (width, height, angles), followed by `lanes` zeros. Divided by
  /// the number of samples, which covers the mean of the folded blocks and the inverse transform.
  std::vector<std::vector<T>> first_filters;
  /// psi_{j,theta} at a level below the one of j: (width, height), divided by the samples of the level. Empty
  /// where order 2 does not use it.
  std::vector<std::vector<T>> second_filters;

  /// Where the parts of the kernels' room stand, in values of T from its beginning. An element is a complex
  /// number for each lane.
  struct Room {
    // transform_group
    std::size_t
        row_stride;  ///< from row to row of `plane`: odd in elements, so that a column uses every cache set
    std::size_t half_stride;  ///< from column to column of `half_spectrum`, likewise
    std::size_t plane;        ///< (height, row_stride): one scale, between columns and rows
    std::size_t line;         ///< one column or row of elements
    std::size_t work;         ///< for transform()
    std::size_t modulus;      ///< one row of lanes, continued by the taps that wrap around
    std::size_t averages;     ///< (output width) lanes: that row after the horizontal low-pass
    std::size_t sums;         ///< (output height, output width) lanes
    std::size_t row_pair;     ///< one row of elements: two moduli, order 2 only
    std::size_t
        half_spectrum;  ///< (width / 2 + 1, half_stride) elements: the spectrum of a modulus, order 2 only
    std::size_t group_size;
    // analyse_plane
    std::size_t padded;  ///< (height, padded_stride) samples
    std::size_t padded_stride;
    std::size_t
        turned;  ///< two planes (width, turned_stride): real and imaginary parts between columns and rows
    std::size_t turned_stride;
    std::size_t averaged;  ///< (width + taps, averaged_stride): order 0 after the vertical low-pass
    std::size_t averaged_stride;
    std::size_t plane_line;
    std::size_t plane_work;
    std::size_t plane_size;
  } room;

  std::size_t spectrum_stride;  ///< from column to column of a plane's spectrum
  std::size_t spectrum_size() const { return 2 * spectrum_stride * levels[0].width; }

 private:
  void lay_out_room(std::size_t lanes);
};

}  // namespace scatlight::cpu
