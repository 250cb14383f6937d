#pragma once

#include <cstdint>
#include <span>
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

  std::vector<T> weights;  ///< (taps): weights[t] belongs to the sample at distance t - radius
  int radius;
  int step;    ///< samples from one output sample to the next
  int border;  ///< output samples that are left out before the first one

  int taps() const { return static_cast<int>(weights.size()); }
  int center(int output) const { return (output + border) * step; }  ///< the sample in the middle
};

/// psi_{j,theta} of consecutive angles, ready to be multiplied with a spectrum at one level and folded to a
/// lower one. The finer spectrum is a grid of blocks of the coarser one's height and width; those in which
/// every filter is negligible are left out.
template <class T>
struct FoldedFilters {
  /// A column of a block: where it begins in the finer spectrum.
  struct Part {
    std::int32_t column;
    std::int32_t row;
    std::int64_t offset;  ///< in a plane's spectrum as the engine stores it; order 1 only
  };

  FoldedFilters() = default;
  /// Divides by the samples of the finer level, which covers the mean of the folded blocks and the inverse
  /// transform. `order` is that of the rows: FftPlan::input of the coarser columns. `spare` zeros follow the
  /// values, so that vectors may be read beyond the last angle.
  FoldedFilters(const FilterBank& bank, const Geometry& geometry, int scale, int first_angle, int angles,
                int from_level, int to_level, std::span<const std::int32_t> order,
                std::int64_t spectrum_stride, int spare);

  /// By columns of the coarser level; of a column, (height, parts, angles). Its rows come in the order in
  /// which the transform of the column asks for them, so that the values are read one after the other.
  std::vector<T> values;
  std::vector<Part> parts;          ///< by columns of the coarser level
  std::vector<std::int32_t> begin;  ///< (width of the coarser level + 1): a column's first part; its values
                                    ///< begin at begin x height x angles
};

/// What the engine knows about planes of one sampling step.
template <class T>
struct Level {
  Level(const FilterBank& bank, const Geometry& geometry, int level);

  int height;
  int width;
  FftPlan<T> along_columns;  ///< of length height
  FftPlan<T> along_rows;     ///< of length width
  /// Where each column stands in a row of the plane between columns and rows: in the order in which the
  /// transform of the row asks for them.
  std::vector<std::int32_t> column_position;
  LowPass<T> vertical;
  LowPass<T> horizontal;
};

/// Rows that are averaged horizontally before they are averaged vertically.
inline constexpr int rows_at_once = 8;

/// Everything that the kernels read: made once for a plan, the same for all instruction sets but for `lanes`.
/// Spectra are stored by columns, (width, height), because the engine transforms columns first.
template <class T>
struct Tables {
  Tables(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank, int lanes);

  /// psi of the angles of a pack, from level 0 to the level of the scale. Angles are packed as vectors hold
  /// them: as many whole vectors as L fills, then the rest.
  const FoldedFilters<T>& first_filters(int scale, int pack) const {
    return first_filters_[static_cast<std::size_t>(scale) * packs + pack];
  }

  /// One psi from a level, above which order 1 was, to the level of its scale.
  const FoldedFilters<T>& second_filter(int level, int scale, int angle) const {
    return second_filters_[(static_cast<std::size_t>(level) * options.scales + scale) * options.angles +
                           angle];
  }

  ScatteringOptions options;
  Geometry geometry;
  std::vector<int> row_sources;
  std::vector<int> column_sources;
  std::vector<Level<T>> levels;
  int maps;  ///< output maps of a plane

  int packs;  ///< vectors that the angles of one plane need

  /// Where the parts of the kernels' room stand, in values of T from its beginning. An element is a complex
  /// number for each lane.
  struct Room {
    // transform_group
    std::size_t
        row_stride;  ///< from row to row of `plane`: odd in elements, so that a column uses every cache set
    std::size_t half_stride;  ///< from column to column of `half_spectrum`, likewise
    std::size_t plane;        ///< (height, row_stride): one scale, between columns and rows
    std::size_t work;         ///< for transform()
    std::size_t modulus;      ///< one row of lanes, continued on both sides by the radius of the low-pass
    std::size_t averages;     ///< (rows_at_once, output width) lanes: rows after the horizontal low-pass
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
    std::size_t averaged;  ///< (width, averaged_stride): order 0 after the vertical low-pass
    std::size_t averaged_stride;
    std::size_t plane_line;
    std::size_t plane_work;
    std::size_t plane_size;
  } room;

  std::size_t spectrum_stride;  ///< from column to column of a plane's spectrum
  std::size_t spectrum_size() const { return 2 * spectrum_stride * levels[0].width; }

 private:
  void lay_out_room(std::size_t lanes);

  std::vector<FoldedFilters<T>> first_filters_;
  std::vector<FoldedFilters<T>> second_filters_;  // empty where order 2 does not use them
};

}  // namespace scatlight::cpu
