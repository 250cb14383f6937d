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
#include "cpu/fft_plan.h"
#include "cpu/low_pass.h"
#include "cpu/packing.h"
#include "cpu/prefetch.h"
#include "cpu/tiles.h"
#include "cpu/vector_radix.h"

namespace scatlight::cpu {

/// Memory that begins on a cache line.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t alignment{64};

  AlignedAllocator() = default;
  template <class U>
  explicit AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), alignment)); }
  void deallocate(T* data, std::size_t) { ::operator delete(data, alignment); }
  friend bool operator==(AlignedAllocator, AlignedAllocator) { return true; }
};
template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

/// Which columns of a spectrum share a vector. Images are real, so that the samples of a column are those of
/// its mirror image, column width - c, conjugate and upside down: only one of the two is stored. The first
/// `pairs` stored blocks hold columns whose mirror images get a block of a plane too; the others hold what is
/// left, column 0 and the columns around the middle. A plane has the stored blocks first, then the mirror
/// images. With 16 columns and blocks of 4:
///
///   stored           (1 2 3 4) (0 5 6 7) (8 9 10 11)
///   mirror images    (15 14 13 12)
struct ColumnBlocks {
  ColumnBlocks(int width, int block_size);

  int width;
  int block_size;  ///< columns of a block
  int pairs;       ///< stored blocks that have a mirror image
  int stored;      ///< blocks of a spectrum

  int plane_blocks() const { return stored + pairs; }  ///< blocks of a plane
  bool is_mirrored(int plane_block) const { return plane_block >= stored; }
  int stored_block(int plane_block) const {
    return is_mirrored(plane_block) ? plane_block - stored : plane_block;
  }

  /// Place l of a stored block has column first + l of the plane; but place 0 of the block that has_zero has
  /// column 0.
  int first(int stored_block) const {
    if (block_size == 1 && has_zero(stored_block)) return 0;
    return stored_block * block_size + (stored_block < pairs ? 1 : 0);
  }
  bool has_zero(int stored_block) const { return stored_block == pairs; }
  int used(int stored_block) const;  ///< columns that it has

  /// The column of the plane that a stored block has at `place`.
  int column(int stored_block, int place) const {
    return has_zero(stored_block) && place == 0 ? 0 : first(stored_block) + place;
  }

  /// By columns, where they stand in a row of a plane: block of the plane x block_size + place.
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
  /// Offsets of the rows of a column in Folding's order, if nothing is folded, as along_columns.output.
  std::vector<std::ptrdiff_t> spectrum_output;

  /// A plane of complex numbers between the transforms of columns and rows stands in memory as (block of
  /// rows, block of columns, row of the block) elements: the columns write it block by block, the rows read
  /// it in order. A number of blocks that is odd lets a column use every set of the cache.
  std::size_t row_block_stride;  ///< values of T from one block of rows to the next
  std::size_t plane_size;        ///< values of T of all
  /// Offsets of the rows of a block of columns, as along_columns.input and along_columns.output.
  std::vector<std::ptrdiff_t> plane_input;
  std::vector<std::ptrdiff_t> plane_output;

  /// The row ring: blocks of real rows of the whole plane, with lanes for rows, continued on both sides by
  /// the radius of phi_J. It has one block, or two where phi_J takes two at a time, which are used again and
  /// again; where several tiles are side by side, it has all blocks of a strip, which its tiles fill
  /// together.
  int ring_blocks;
  int ring_mask;            ///< block number & ring_mask is where it is in the ring
  std::size_t ring_stride;  ///< values of T from one block of rows to the next

  std::size_t half_stride;      ///< values of T from row to row of Scratch::half: odd in elements
  std::size_t spectrum_stride;  ///< the same of Scratch::spectrum

  /// A line is a block of rows with lanes for rows, its columns in ColumnBlocks' order, with a gap of an
  /// element after each block, for the reason of FftPlan's gaps. (Where lanes are planes, it is a row of the
  /// plane.)
  std::size_t line_block_stride;            ///< values of T from one block of columns to the next
  std::vector<std::ptrdiff_t> line_input;   ///< offsets of columns, as along_rows.input
  std::vector<std::ptrdiff_t> line_output;  ///< the same, as along_rows.output
  /// Offsets of the elements of along_rows' work, for a transform in place: those of line_input that the same
  /// small DFT reads.
  std::vector<std::ptrdiff_t> line_work;
  /// Offsets of columns in a block of real rows, as along_rows.output.
  std::vector<std::ptrdiff_t> row_output;

  LowPass<T> vertical;
  LowPass<T> horizontal;

  /// Rows of a strip's partial map: its averaged rows, if phi_J takes whole columns, or else the outputs that
  /// these reach.
  int partial_rows;
};

/// How a spectrum at one level stands in memory to be multiplied with filters and folded to a coarser level.
/// It is cut into across x down aliases, each of the coarser spectrum's height and width, which fold onto
/// each other:
///
///   (stored block of columns, alias, row) elements of {re, im} x lanes
///
/// Where nothing is folded, there is one alias, and rows stand in the order in which the transform of a
/// column asks for them, or all samples in that of a VectorRadixPlan.
struct Folding {
  /// `input` is that of the transform of a coarser column.
  Folding(int from_height, int from_width, int levels, const std::vector<std::int32_t>& input,
          const std::optional<VectorRadixPlan>& vector_radix, Packing packing);

  int height;  ///< of the coarser spectrum
  int width;   ///< of the coarser spectrum
  int across;  ///< aliases side by side; they are numbered row by row
  int down;    ///< aliases below each other
  ColumnBlocks columns;
  int lanes;
  std::vector<std::int32_t> rows;  ///< by where they stand
  std::optional<VectorRadixPlan> vector_radix;

  /// A block of one alias.
  struct AliasBlock {
    std::int32_t row;      ///< of the finer spectrum, the one that row 0 is
    std::int32_t column;   ///< of the finer spectrum, the first of those side by side
    std::int32_t used;     ///< columns of the block
    std::int32_t lone;     ///< the column of the first lane, where it stands alone; else -1
    std::ptrdiff_t begin;  ///< of its rows in memory
  };
  /// Those that wavelets read, those with the same rows together. Others are never written.
  std::vector<AliasBlock> alias_blocks;
  /// `is_read` by (stored block, alias).
  void keep(const std::vector<bool>& is_read);

  int aliases() const { return across * down; }
  /// The alias that one falls on when the finer spectrum is turned upside down.
  int flipped(int alias) const { return (down - 1 - alias / across) * across + alias % across; }
  std::size_t alias_size() const { return static_cast<std::size_t>(height) * 2 * lanes; }
  std::size_t block_stride() const { return aliases() * alias_size(); }
  std::size_t size() const {
    return vector_radix ? vector_radix->spectrum_size() : columns.stored * block_stride();
  }
};

/// Rows [begin, end) of a filter at a block of a plane, of which the same aliases are kept.
struct FilterSegment {
  std::int32_t begin;
  std::int32_t end;
  std::int32_t aliases;      ///< how many are kept
  std::int32_t first_alias;  ///< in FoldedFilter::aliases
  std::ptrdiff_t values;     ///< offset of the values, (row, kept alias, columns of the block)
};

/// psi at one block of a plane.
template <class T>
struct FilterBlock {
  const T* values;
  std::span<const FilterSegment> segments;  ///< none if the filter is negligible in this block
  const std::int32_t* aliases;              ///< of the spectrum, by FilterSegment::first_alias
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
/// images. What is negligible is left out: whole blocks of filters of one alias, else aliases row by row.
///
/// psi_{j,-theta} is the mirror image of psi_{j,theta}: its blocks that have mirror images are the other's
/// mirror images upside down. They are not stored twice.
template <class T>
struct FoldedFilter {
  /// Divides by the samples of the finer level, which covers the mean of the aliases and the inverse
  /// transform. With `opposite_exists`, stores only what that of -theta does not have.
  FoldedFilter(const FilterBank& bank, const WaveletSpectrum& wavelet, int from_level, const Folding& folding,
               bool opposite_exists);
  /// In the order of a vector-radix plan.
  FoldedFilter(const FilterBank& bank, const WaveletSpectrum& wavelet, const VectorRadixPlan& vector_radix,
               bool opposite_exists);

  bool has_opposite;
  /// By segments. Rows stand in Folding's order if there is one alias, which is in one segment, and else in
  /// their natural one; row `height`, where each alias has the first row of the next, stands last.
  AlignedVector<T> values;
  std::vector<std::int32_t> aliases;
  std::vector<std::int32_t> flipped_aliases;  ///< Folding::flipped of them
  std::vector<FilterSegment> segments;        ///< by blocks
  std::vector<std::int32_t> begin;            ///< (blocks + 1): a block's first segment
};

/// The spectra of signals at one level, folded to each level that the wavelets of coarser (or, for images,
/// all) scales need, and these wavelets.
template <class T>
struct Band {
  /// `vector_radix` is the plan of the finest level's planes, if they have one.
  Band(const FilterBank& bank, const Geometry& geometry, const std::vector<Level<T>>& levels,
       const ScatteringOptions& options, int level, int first_scale, int end_scale,
       const std::optional<VectorRadixPlan>& vector_radix, Packing packing);

  const Folding& folding(int to_level) const { return foldings[to_level - first_to_level]; }
  std::size_t offset(int to_level) const { return offsets[to_level - first_to_level]; }
  /// psi_{scale,angle} at a block of planes of to_level, which is the scale's.
  FilterBlock<T> filter(int scale, int angle, int to_level, int plane_block) const;
  /// The same of a scale whose planes are inverted by a vector-radix plan.
  VectorRadixFilter<T> vector_radix_filter(int scale, int angle) const;
  /// The memory of the filters that the paths of these angles read.
  std::vector<std::span<const std::byte>> memory(int scale, int first_angle, int count) const;
  /// Clears what wavelets add to in the gradients of the folded spectra that are in this sum.
  void clear(T* folded, int sum = 0) const;

  int first_scale;
  int level;
  int first_to_level;
  std::vector<int> opposite_angles;  ///< FilterBank's
  std::vector<Folding> foldings;
  std::vector<std::size_t> offsets;  ///< of each folded spectrum in the memory of all of them
  /// Which of Tables' gradient sums [first, end) a folded spectrum has a gradient in: sum 0 unless Tables
  /// says otherwise.
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
  /// The plan of a tile's planes at level 0, if they are inverted by one; else they are transformed by
  /// columns, then rows.
  const std::optional<VectorRadixPlan>& vector_radix() const {
    return image_band[0].foldings.front().vector_radix;
  }
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

/// Everything that the kernels read: made once for a plan, the same for all targets but for the packing. "A
/// plane" is a pack of them where lanes are planes.
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
  AlignedVector<T> zero_row;  ///< a row of the image or of maps, of zeros; of vectors if lanes are planes

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
  /// writes (a folded spectrum and its gradient, filters, a plane) fills the L2 cache where planes are
  /// large.
  std::vector<std::vector<PathGroup>> second_groups;

  /// Whether the plane of the image is not one tile for all wavelets.
  bool is_tiled() const { return tilings.size() > 1 || tilings[0].count() > 1; }
  int first_map(const PathGroup& group) const { return 1 + group.scale * options.angles + group.angle; }

  /// On tiles, the partial maps that the strips give to map 0 and all maps of order 1 are held until all
  /// strips are there: Level::partial_rows, strip after strip. These are the values before those of a map,
  /// and the values of one map of a scale.
  std::size_t partials_begin(int map) const {
    if (map == 0) return 0;
    const int scale = (map - 1) / options.angles;
    return partials_of_scale[scale] + (map - 1) % options.angles * partial_size(scale);
  }
  std::size_t partial_size(int scale) const {
    return (partials_of_scale[scale + 1] - partials_of_scale[scale]) / options.angles;
  }
  std::vector<std::size_t> partials_of_scale;  ///< (J + 1): where a scale's begin, and the end of all

  /// The map of order 2 that (scale2, angle2) gives below (scale, angle).
  int second_map(int scale, int angle, int scale2, int angle2) const;

  /// Where a thread's scratch buffers stand, in values of T from the beginning of its scratch memory. An
  /// element is a complex number for each lane.
  struct Scratch {
    std::size_t plane;     ///< planes of a group of paths, between columns and rows
    std::size_t line;      ///< elements of a block of rows, or of rows of a block of columns
    std::size_t work;      ///< for transform()
    std::size_t prime;     ///< for transform()
    std::size_t row_ring;  ///< Level::ring_blocks blocks of real rows
    std::size_t row;       ///< real vectors of a block of rows of a tile; backward
    std::size_t averages;  ///< one or two, averages_size: blocks of rows after the horizontal low-pass
    /// Row 0 of the averaged rows of one map, `averages` transposed: of all rows or those of a strip. Before
    /// and after them there are as many rows as phi_J needs.
    std::size_t average_rows;
    std::size_t map;     ///< (output height, output_stride)
    std::size_t images;  ///< (image height, image width, lanes) if lanes are planes
    std::size_t pair;    ///< elements of two blocks of real rows, or as `line`
    /// (height, half_stride) elements: the half spectrum's stored columns, after the transform of rows.
    std::size_t half;
    /// Two planes (height, spectrum_stride), re and im: the half spectrum, or its gradient. But for order 2,
    /// it and `half` are where `plane` is.
    std::size_t spectrum;
    std::size_t folded;  ///< the spectra of a modulus, for order 2
    // backward only
    std::size_t second_plane;      ///< as `plane`, of a path of order 2
    std::size_t folded_gradient;   ///< as `folded`
    std::size_t modulus_gradient;  ///< (height, columns): of |x * psi|, by blocks of rows; for order 2
    std::size_t spectrum_margin;   ///< before the first column of a row
    std::size_t averages_size;     ///< a vector for each output column, rounded up to whole blocks
    std::size_t output_stride;     ///< values of the output width in whole vectors
    std::size_t size;
    std::size_t forward_size;  ///< of what forward needs, which comes first
  } scratch;

 private:
  std::vector<PathGroup> make_groups(const Tiling<T>& tiling, int first_scale, int first_grouped_scale) const;
  void deal_groups();
  void lay_out_scratch();
};

}  // namespace scatlight::cpu
