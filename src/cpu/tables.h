#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/filter_bank.h"
#include "core/geometry.h"
#include "cpu/fetch.h"
#include "cpu/fft_plan.h"
#include "cpu/grid.h"
#include "cpu/low_pass.h"
#include "cpu/packing.h"
#include "cpu/tiles.h"

namespace scatlight::cpu {

/// Memory on cache lines.
template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t alignment{64};

  LineAllocator() = default;
  template <class U>
  explicit LineAllocator(const LineAllocator<U>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), alignment)); }
  void deallocate(T* data, std::size_t) { ::operator delete(data, alignment); }
  friend bool operator==(LineAllocator, LineAllocator) { return true; }
};
template <class T>
using LineVector = std::vector<T, LineAllocator<T>>;

/// Which columns of a spectrum share a vector. Images are real, so that the samples of a column are those of
/// its mirror image, column width - c, conjugate and upside down: only one of the two is stored. Blocks below
/// `pairs` hold columns whose mirror images get a block of a plane too; the others hold what is left, column
/// 0 and the columns around the middle. A plane has the stored blocks first, then the mirror images.
struct ColumnBlocks {
  ColumnBlocks(int width, int side);

  int width;
  int side;  ///< columns of a block
  int pairs;
  int stored;

  int planar() const { return stored + pairs; }  ///< blocks of a plane
  bool is_mirrored(int planar_block) const { return planar_block >= stored; }
  int stored_block(int planar_block) const {
    return is_mirrored(planar_block) ? planar_block - stored : planar_block;
  }

  /// Column l of a stored block is column first + l of the plane, but for column 0, which has no neighbour:
  /// it is the first one of the block that has_zero.
  int first(int stored_block) const {
    if (side == 1 && has_zero(stored_block)) return 0;
    return stored_block * side + (stored_block < pairs ? 1 : 0);
  }
  bool has_zero(int stored_block) const { return stored_block == pairs; }
  int used(int stored_block) const;  ///< columns that it has

  /// The column of the plane that a stored block has at `place`.
  int column(int stored_block, int place) const {
    return has_zero(stored_block) && place == 0 ? 0 : first(stored_block) + place;
  }

  /// By columns, where they stand in a row of a plane: planar block x side + place.
  std::vector<std::int32_t> places() const;
};

/// What the engine knows about tiles of one sampling step.
template <class T>
struct Level {
  Level(const FilterBank& bank, const Geometry& geometry, const Tiles& tiles, int level, Packing packing);

  int level;
  int plane_height;  ///< of the padded plane
  int plane_width;
  int height;  ///< of a tile
  int width;
  int blocks;  ///< of columns of a row
  ColumnBlocks columns;
  FftPlan<T> along_columns;  ///< of length height
  FftPlan<T> along_rows;     ///< of length width
  /// Where a row stands in along_columns.input. `flipped_position` is that of row height - row by positions,
  /// where row `height` stands after the last position.
  std::vector<std::int32_t> row_position;
  std::vector<std::int32_t> flipped_position;
  std::vector<std::ptrdiff_t> spectrum_output;  ///< offsets of the rows of a column in Folding's order, if
                                                ///< nothing is folded, as along_columns.output

  /// A plane of complex numbers between the transforms of columns and rows stands in memory as (block of
  /// rows, block of columns, row of the block) elements: the columns write it block by block, the rows read
  /// it in order. A number of blocks that is odd lets a column use every set of the cache.
  std::size_t row_block_size;  ///< values of T from one block of rows to the next
  std::size_t plane_size;      ///< values of T of all
  std::vector<std::ptrdiff_t>
      plane_input;  ///< offsets of the rows of a block of columns, as along_columns.input
  std::vector<std::ptrdiff_t> plane_output;  ///< the same, as along_columns.output

  /// Blocks of real rows of the whole plane, vectors of lanes of rows, continued on both sides by the radius
  /// of phi_J. Where tiles stand side by side, they fill the blocks of their rows together; else one block is
  /// used again and again, or two where phi_J takes two at a time.
  int band_blocks;
  int band_mask;            ///< of a block's number: where it is in the band
  std::size_t band_stride;  ///< values of T from one block of rows to the next

  std::size_t half_stride;      ///< values of T from row to row of Room::half: odd in elements
  std::size_t spectrum_stride;  ///< the same of Room::spectrum

  /// A line is a block of rows with lanes for rows: columns in ColumnBlocks' order, with a gap of an element
  /// after each block, for the reason of FftPlan's gaps. (Where lanes are planes, it is a row of the plane.)
  std::size_t line_block_size;              ///< values of T from one block of columns to the next
  std::vector<std::ptrdiff_t> line_input;   ///< offsets of columns, as along_rows.input
  std::vector<std::ptrdiff_t> line_output;  ///< the same, as along_rows.output
  std::vector<std::ptrdiff_t> line_work;  ///< of the elements of along_rows' work, for a transform in place:
                                          ///< those of line_input that the same small DFT reads
  std::vector<std::ptrdiff_t>
      row_output;  ///< offsets of columns in a block of real rows, as along_rows.output

  LowPass<T> vertical;
  LowPass<T> horizontal;

  /// What a strip gives to a map, in rows of the map's columns: its averaged rows, if phi_J takes whole
  /// columns by their spectra, or the outputs that they reach.
  int share_rows;
};

/// How a spectrum at one level stands in memory to be multiplied with filters and folded to a lower level.
/// The finer spectrum is a grid of parts, each of the coarser one's height and width:
///
///   (stored block of columns, part, row) elements of {re, im} x lanes
///
/// Where nothing is folded, there is one part, and rows stand in the order in which the transform of a column
/// asks for them; or it is a grid, all columns in its order.
struct Folding {
  /// `input` is that of the transform of a coarser column.
  Folding(int from_height, int from_width, int levels, const std::vector<std::int32_t>& input,
          const std::optional<Grid>& grid, Packing packing);

  int height;  ///< of the coarser spectrum
  int width;   ///< of the coarser spectrum
  int across;  ///< parts side by side in a row; parts are numbered row by row
  int down;    ///< parts below each other
  ColumnBlocks columns;
  int lanes;
  std::vector<std::int32_t> rows;  ///< by where they stand
  std::optional<Grid> grid;

  /// A block of one part.
  struct Piece {
    std::int32_t row;      ///< of the finer spectrum, the one that row 0 is
    std::int32_t column;   ///< of the finer spectrum, the first of those side by side
    std::int32_t used;     ///< columns of the block
    std::int32_t lone;     ///< the column of the first lane, where it stands alone; else -1
    std::ptrdiff_t begin;  ///< of its rows in memory
  };
  /// The parts of blocks that wavelets read, those with the same rows together. Others are never written.
  std::vector<Piece> pieces;
  /// `is_read` by (stored block, part).
  void keep(const std::vector<bool>& is_read);

  int parts() const { return across * down; }
  /// Of a part, the one that it falls on when the finer spectrum is turned upside down.
  int flipped(int part) const { return (down - 1 - part / across) * across + part % across; }
  std::size_t part_size() const { return static_cast<std::size_t>(height) * 2 * lanes; }
  std::size_t block_size() const { return parts() * part_size(); }
  std::size_t size() const { return grid ? grid->spectrum_size() : columns.stored * block_size(); }
};

/// Rows [begin, end) of a filter at a block of a plane, of which the same parts are kept.
struct FilterSegment {
  std::int32_t begin;
  std::int32_t end;
  std::int32_t parts;       ///< how many are kept
  std::int32_t first_part;  ///< of FoldedFilter::parts
  std::ptrdiff_t values;    ///< offset of the values, (row, kept part, columns of the block)
};

/// psi at one block of a plane.
template <class T>
struct FilterBlock {
  const T* values;
  std::span<const FilterSegment> segments;  ///< none if the filter is negligible in this block
  const std::int32_t* parts;                ///< of the spectrum, by FilterSegment::first_part
  bool flipped;  ///< row r stands for row height - r. A filter has rows 0 to `height`, and either the first
                 ///< or the last of them is of no use.
  int height;

  std::pair<int, int> used_rows(const FilterSegment& segment) const {
    return {std::max(segment.begin, flipped ? 1 : 0), std::min(segment.end, flipped ? height + 1 : height)};
  }
  int row(int of_filter) const { return flipped ? height - of_filter : of_filter; }
};

/// One psi_{j,theta} as it is to be multiplied with a spectrum in Folding's order, for each block of a plane:
/// psi(k) where samples of a stored block stand for themselves, psi(-k) where they stand for their mirror
/// images. What is negligible is left out: of filters of one part whole blocks, of others the parts of a row.
///
/// psi_{j,-theta} is the mirror image of psi_{j,theta}: its blocks that have mirror images are the other's
/// mirror images upside down. They are not stored twice.
template <class T>
struct FoldedFilter {
  /// Divides by the samples of the finer level, which covers the mean of the folded parts and the inverse
  /// transform. With `opposite_exists`, stores only what that of -theta does not have.
  FoldedFilter(const FilterBank& bank, const WaveletSpectrum& wavelet, int from_level, const Folding& folding,
               bool opposite_exists);
  /// In the order of a grid.
  FoldedFilter(const FilterBank& bank, const WaveletSpectrum& wavelet, const Grid& grid,
               bool opposite_exists);

  bool has_opposite;
  /// By segments. Rows stand in Folding's order if there is one part, which is in one segment, and else in
  /// their natural one; row `height`, where each part has the first row of the next, stands last.
  LineVector<T> values;
  std::vector<std::int32_t> parts;
  std::vector<std::int32_t> flipped_parts;  ///< Folding::flipped of them
  std::vector<FilterSegment> segments;      ///< by blocks
  std::vector<std::int32_t> begin;          ///< (blocks + 1): a block's first segment
};

/// The spectra of signals at one level, folded to each level that the wavelets of coarser (or, for images,
/// all) scales need, and these wavelets.
template <class T>
struct Band {
  /// `grid` is that of the finest spectrum, if it is one.
  Band(const FilterBank& bank, const Geometry& geometry, const std::vector<Level<T>>& levels,
       const ScatteringOptions& options, int level, int first_scale, int end_scale,
       const std::optional<Grid>& grid, Packing packing);

  const Folding& folding(int to_level) const { return foldings[to_level - first_to_level]; }
  std::size_t offset(int to_level) const { return offsets[to_level - first_to_level]; }
  /// psi_{scale,angle} at a block of planes of to_level, which is the scale's.
  FilterBlock<T> filter(int scale, int angle, int to_level, int planar_block) const;
  /// The same of a scale whose planes are grids.
  GridFilter<T> grid_filter(int scale, int angle) const;
  /// Where the values of filters stand that the paths of these angles read.
  std::vector<std::span<const std::byte>> memory(int scale, int first_angle, int count) const;
  /// Zeros where wavelets add to the gradients of the folded spectra, of those that are in this sum.
  void clear(T* folded, int sum = 0) const;

  int first_scale;
  int level;
  int first_to_level;
  std::vector<int> opposite_angles;  ///< FilterBank's
  std::vector<Folding> foldings;
  std::vector<std::size_t> offsets;  ///< of each folded spectrum in the memory of all of them
  /// Of each folded spectrum, which of Tables' sums have a gradient of it: the first one, unless Tables says
  /// otherwise.
  struct Sums {
    int first;
    int end;

    bool has(int sum) const { return first <= sum && sum < end; }
  };
  std::vector<Sums> gradient_sums;
  std::size_t size = 0;                  ///< of that memory, in values of T
  std::vector<FoldedFilter<T>> filters;  ///< (scales from first_scale on, angles)
};

/// The core of a tile, in samples of a level's plane.
struct Core {
  int top;
  int left;
  int height;
  int width;
};

/// The columns of the image that a tile has.
struct ColumnSources {
  explicit ColumnSources(const std::vector<std::int32_t>& sources);  ///< as Axis::sources

  /// Columns that stand side by side in the image too. Each column of the image is in one run at most.
  struct Run {
    std::int32_t begin;   ///< in the tile
    std::int32_t source;  ///< in the image
    std::int32_t length;
  };
  /// A column that repeats one of a run.
  struct Repeat {
    std::int32_t column;
    std::int32_t of;
  };
  std::vector<Run> runs;
  std::vector<Repeat> repeats;
  std::vector<std::int32_t> zeros;  ///< columns of no sample
};

/// Everything about the wavelets of some scales and the tiles on which they are computed.
template <class T>
struct Tiling {
  Tiling(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank,
         const Tiles& tiles, Packing packing);

  Tiles tiles;
  std::vector<Level<T>> levels;
  std::vector<Band<T>> image_band;  ///< of a tile of the image; one, or none for max_order 0
  std::vector<std::vector<std::int32_t>> row_sources;  ///< of each row of tiles: as Axis::sources
  std::vector<ColumnSources> column_sources;           ///< of each column of tiles
  std::size_t spectra_begin = 0;  ///< of (tiles, spectrum_size) values in the spectra of a plane

  int count() const { return tiles.count(); }
  /// Of a tile's planes at level 0, if they are transformed as one.
  const std::optional<Grid>& grid() const { return image_band[0].foldings.front().grid; }
  /// Tiles side by side are a strip.
  int strips() const { return tiles.rows.count; }
  int tile(int strip, int column) const { return strip * tiles.columns.count + column; }
  std::size_t spectrum_size() const { return image_band.empty() ? 0 : image_band[0].size; }
  std::size_t spectrum_offset(int tile) const { return spectra_begin + tile * spectrum_size(); }
  const std::vector<std::int32_t>& rows_of(int tile) const { return row_sources[tile / tiles.columns.count]; }
  const ColumnSources& columns_of(int tile) const { return column_sources[tile % tiles.columns.count]; }
  Core core(int tile, int level) const {
    const int row = tile / tiles.columns.count;
    const int column = tile % tiles.columns.count;
    return {.top = tiles.rows.begin(row) >> level,
            .left = tiles.columns.begin(column) >> level,
            .height = (tiles.rows.end(row) - tiles.rows.begin(row)) >> level,
            .width = (tiles.columns.end(column) - tiles.columns.begin(column)) >> level};
  }
  /// Whether a tile is the first or the last of those side by side.
  bool is_first(int tile) const { return tile % tiles.columns.count == 0; }
  bool is_last(int tile) const { return (tile + 1) % tiles.columns.count == 0; }
};

/// Consecutive angles of one scale, transformed together: as many as have planes that fit where one of the
/// finest level does. Their spectrum is read once.
struct PathGroup {
  int tiling;
  int scale;
  int angle;  ///< the first
  int count;
  std::vector<std::span<const std::byte>> filters;  ///< of order 1: the memory of their values
};

/// Everything that the kernels read: made once for a plan, the same for all instruction sets but for the
/// packing. "A plane" is one for each of packing.planes().
template <class T>
struct Tables {
  Tables(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank,
         Packing packing);

  ScatteringOptions options;
  Geometry geometry;
  Packing packing;
  std::vector<Tiling<T>> tilings;  ///< by scales
  std::size_t spectra_size;        ///< of a plane of the image: of all tiles of all tilings
  std::size_t strip_spectra_size;  ///< the most that the tiles of a strip have
  int maps;                        ///< output maps of a plane
  LineVector<T> zero_row;  ///< a row of the image or of maps, of zeros; of vectors if lanes are planes

  /// Of |x * psi_j|, by j: order 2, whose only tile is the plane.
  std::vector<Band<T>> modulus_bands;

  /// All (j, theta) of order 1, if asked for. Groups of one path where order 2 goes on from them, and on
  /// several tiles.
  std::vector<PathGroup> groups;
  /// The gradients that groups give to the image's spectra are added up in this many sums, of consecutive
  /// groups that take about the same time: each by one thread, so that the result does not depend on how many
  /// there are.
  static constexpr int gradient_sums = 2;
  std::array<std::size_t, gradient_sums + 1> sum_begin;  ///< its first group, and the end of all
  /// Those of order 2 below the paths of scale j, by j: of one path each, as what a path of order 2 reads and
  /// writes (a folded spectrum and its gradient, filters, a plane) fills the second cache where planes are
  /// large.
  std::vector<std::vector<PathGroup>> second_groups;

  /// Whether the plane of the image is not one tile for all wavelets.
  bool is_tiled() const { return tilings.size() > 1 || tilings[0].count() > 1; }
  int first_map(const PathGroup& group) const { return 1 + group.scale * options.angles + group.angle; }

  /// On tiles, what the strips give to map 0 and to all maps of order 1 is held until all strips are there:
  /// Level::share_rows, strip after strip. These are the values before a map's own, and the values of
  /// one map of a scale.
  std::size_t shares_begin(int map) const {
    if (map == 0) return 0;
    const int scale = (map - 1) / options.angles;
    return shares_of_scale[scale] + (map - 1) % options.angles * shares_size(scale);
  }
  std::size_t shares_size(int scale) const {
    return (shares_of_scale[scale + 1] - shares_of_scale[scale]) / options.angles;
  }
  std::vector<std::size_t> shares_of_scale;  ///< (J + 1): where a scale's begin, and the end of all

  /// The map of order 2 that (scale2, angle2) gives below (scale, angle).
  int second_map(int scale, int angle, int scale2, int angle2) const;

  /// Where the parts of a thread's room stand, in values of T from its beginning. An element is a complex
  /// number for each lane.
  struct Room {
    std::size_t plane;         ///< planes of a group of paths, between columns and rows
    std::size_t line;          ///< elements of a block of rows, or of rows of a block of columns
    std::size_t work;          ///< for transform()
    std::size_t prime;         ///< for transform()
    std::size_t band;          ///< real rows of the plane: Level::band_stride
    std::size_t row;           ///< real vectors of a block of rows of a tile; backward
    std::size_t averages;      ///< one or two, averages_size: blocks of rows after the horizontal low-pass
    std::size_t average_rows;  ///< the same transposed, of all rows or those of a strip, for one map: row 0.
                               ///< Before and after them there are as many as phi_J may need
    std::size_t map;           ///< (output height, output_stride)
    std::size_t images;        ///< (image height, image width, lanes) if lanes are planes
    std::size_t pair;          ///< elements of two blocks of real rows, or as `line`
    std::size_t
        half;  ///< (height, half_stride) elements: the columns that are stored, after the row transform
    std::size_t spectrum;  ///< two planes (height, spectrum_stride), re and im: those columns' spectra, or
                           ///< the gradient of them; it and `half` are where `plane` is, but for order 2
    std::size_t folded;    ///< the spectra of a modulus, for order 2
    // backward only
    std::size_t second_plane;      ///< as `plane`, of a path of order 2
    std::size_t folded_gradient;   ///< as `folded`
    std::size_t modulus_gradient;  ///< (height, columns): of |x * psi|, by blocks of rows; for order 2
    std::size_t spectrum_margin;   ///< before the first column of a row
    std::size_t averages_size;     ///< a vector for each output column, rounded up to whole blocks
    std::size_t output_stride;     ///< values of the output width in whole vectors
    std::size_t size;
    std::size_t forward_size;  ///< of what forward needs, which comes first
  } room;

 private:
  std::vector<PathGroup> make_groups(const Tiling<T>& tiling, int first_scale, int first_grouped_scale) const;
  void deal_groups();
  void lay_out_room();
};

}  // namespace scatlight::cpu
