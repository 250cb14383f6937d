// The scattering transform of one plane. Included once for each target.
//
// Lanes are neighbouring columns while columns are transformed and neighbouring rows while rows are; blocks
// of lanes x lanes samples are transposed between the two. Or lanes are planes, and nothing is transposed
// (Packing).

#if defined(SCATLIGHT_CPU_PLANE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_PLANE_INL_H_
#undef SCATLIGHT_CPU_PLANE_INL_H_
#else
#define SCATLIGHT_CPU_PLANE_INL_H_
#endif

#include <hwy/cache_control.h>

#include <algorithm>

#include "cpu/low_pass-inl.h"
#include "cpu/modulus-inl.h"
#include "cpu/real_spectrum-inl.h"
#include "cpu/vector_radix-inl.h"
#include "cpu/workspace-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// ---- sources and sinks of the transforms ----

// The values of a filter at the columns of a block.
template <int BlockSize, class D>
HWY_INLINE HWY_ATTR hn::Vec<D> load_filter(D d, const Real<D>* at) {
  if constexpr (lanes_are_planes<BlockSize>) {
    return hn::Set(d, *at);
  } else {
    return hn::Load(d, at);
  }
}

// Columns of x^ psi^ where nothing is folded.
template <class D, int BlockSize>
struct ProductSource {
  const Real<D>* filter;
  const std::int32_t* filter_positions;  // null if they are those of the spectrum
  const Real<D>* spectrum;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int) const {
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t of_filter = filter_positions == nullptr ? position : filter_positions[position];
    const auto psi = load_filter<BlockSize>(d, filter + of_filter * BlockSize);
    const auto x = load_element(d, spectrum + position * (2 * lanes));
    return {hn::Mul(psi, x.re), hn::Mul(psi, x.im)};
  }
};

template <class D>
struct ModulusSink {
  Real<D>* row;
  const std::ptrdiff_t* offsets;

  HWY_INLINE HWY_ATTR void store(D d, int position, int, Complex<D> z) const {
    hn::Store(modulus(d, z), d, row + offsets[position]);
  }
};

// The conjugates of PlacedElements.
template <class D>
struct ConjugateSink {
  Real<D>* data;
  const std::ptrdiff_t* offsets;

  HWY_INLINE HWY_ATTR void store(D d, int position, int, Complex<D> value) const {
    store_element(d, Complex<D>{value.re, hn::Neg(value.im)}, data + offsets[position]);
  }
};

// ---- the transform of a plane ----

// Transforms one plane, or a pack of `planes` planes, whose images and maps stand one after the other.
template <class D, int BlockSize>
class PlaneTransform : protected Workspace<D, BlockSize> {
 protected:
  using T = Real<D>;
  using Base = Workspace<D, BlockSize>;
  using Base::add_to;
  using Base::block_values;
  using Base::column_step;
  using Base::d_;
  using Base::element;
  using Base::fft;
  using Base::lanes;
  using Base::scratch_;
  using Base::tables_;

 public:
  // With `features`, maps are written there; with `partials`, of the first map that is made, partial maps
  // are. The other is null; so are both where only spectra are wanted.
  HWY_ATTR PlaneTransform(const Tables<T>& tables, int planes, T* features, T* partials,
                          const Scratch<T>& scratch)
      : Base(tables, scratch),
        planes_(planes),
        features_(features),
        partials_(partials),
        map_size_(std::size_t(tables.geometry.rows.output) * tables.geometry.columns.output) {}

  // The spectra of a strip's tiles, and map 0 or its partial map.
  HWY_ATTR void analyse(const Tiling<T>& tiling, int strip, const T* image, T* spectra) {
    const auto& level = tiling.levels[0];
    const bool keep = tables_.options.max_order >= 1;
    const bool has_map = features_ != nullptr || partials_ != nullptr;
    if constexpr (lanes_are_planes<BlockSize>) pack(image, image_size(), image_size(), scratch_.images);
    for (int column = 0; column < tiling.tiles.columns.count; ++column) {
      const int tile = tiling.tile(strip, column);
      const auto core = tiling.core(tile, 0);
      const int averaged = has_map && tiling.is_last(tile) ? core.height : 0;
      for (int y = 0; y < level.height; y += BlockSize) {
        T* rows = row(level, y, core.left);
        load_image_rows(tiling, tile, image, y, rows);
        if (keep) spectrum().keep_rows(level, y, rows);
        if (y < averaged) average_rows(level, strip, core, y);
      }
      if (averaged > 0) end_strip(level, strip, core, features_);
      if (keep) spectrum().fold(level, *tiling.image_band, spectra + column * tiling.spectrum_size());
    }
  }

  // The maps, or partial maps, of a group from the spectra of a strip's tiles.
  HWY_ATTR void paths(const PathGroup& group, int strip, const T* spectra, NextReads next) {
    const auto& options = tables_.options;
    const bool second_order = options.max_order >= 2 && group.scale + 1 < options.scales;
    const auto& tiling = tables_.tilings[group.tiling];
    // Before the filters of the next path of order 1, those of order 2 are read, by each.
    if (!second_order) begin_prefetch(tiling, group, next);
    transform_group(*tiling.image_band, group, strip, spectra, second_order, tables_.first_map(group));
    if (!second_order) return;

    const auto& band = tables_.modulus_bands[group.scale];
    T* folded = scratch_.folded;
    spectrum().fold(tiling.levels[band.level], band, folded);
    for (const auto& second : tables_.groups.second[group.scale]) {
      transform_group(band, second, 0, folded, false,
                      tables_.second_map(group.scale, group.angle, second.scale, second.angle));
    }
  }

  // From the partial maps of all strips: map 0, and the maps of a group, whose partial maps stand one after
  // the other.
  HWY_ATTR void image_map(const T* partials) {
    const auto& tiling = tables_.tilings[0];
    combine(tiling, tiling.levels[0], partials, features_);
  }
  HWY_ATTR void group_maps(const PathGroup& group, const T* partials) {
    for (int i = 0; i < group.count;
         ++i, partials += partial_size(level_of(group), tables_.tilings[group.tiling]))
      combine(tables_.tilings[group.tiling], level_of(group), partials, map(tables_.first_map(group) + i));
  }

 protected:
  static constexpr int most_aliases = 8;  // multiplied at a time

  HWY_INLINE std::size_t image_size() const {
    return std::size_t(tables_.options.height) * tables_.options.width;
  }
  HWY_INLINE std::size_t features_size() const { return tables_.maps * map_size_; }
  HWY_INLINE T* map(int index) const {
    return features_ == nullptr ? nullptr : features_ + index * map_size_;
  }
  // The vectors of a block of real rows of the plane from a column on; y is counted from the first row of the
  // tiles beside each other.
  HWY_INLINE T* row(const Level<T>& level, int y, int column) const {
    return scratch_.row_ring + (y / BlockSize & level.ring_mask) * level.ring_stride +
           (level.horizontal.radius + column) * lanes;
  }

  HWY_INLINE RealSpectrum<D, BlockSize> spectrum() const { return {tables_, scratch_}; }
  HWY_INLINE LineLowPass<D> low_pass() const { return {scratch_.line, scratch_.work, scratch_.prime}; }

  // From a line, which is lost where planes are not in lanes: it is transformed in place up to the last stage
  // where two lines are too much for the L1 cache.
  template <class Sink>
  HWY_INLINE HWY_ATTR void fft_of_line(const Level<T>& level, T* line, const Sink& sink) {
    const std::ptrdiff_t* input = level.line_input.data();
    const PlacedElements<D> source{line, input};
    if constexpr (!lanes_are_planes<BlockSize> && lanes * sizeof(T) >= 64) {
      transform(d_, level.along_rows, source, InPlace<D>{line, input, level.line_work.data()}, scratch_.prime,
                sink);
    } else {
      fft(level.along_rows, source, sink);
    }
  }

  // |x * psi| * phi_J of a strip, into the group's maps from `first_map` on or their partial maps; with
  // `keep`, the row transform of |x * psi| too.
  HWY_INLINE HWY_ATTR void transform_group(const Band<T>& band, const PathGroup& group, int strip,
                                           const T* spectra, bool keep, int first_map) {
    const auto& tiling = tables_.tilings[group.tiling];
    const auto& level = level_of(group);
    if constexpr (has_vector_radix<D, BlockSize>()) {
      if (by_vector_radix(group))
        return transform_by_vector_radix(tiling, group, strip, spectra, map(first_map));
    }
    T* planes = scratch_.plane;
    for (int column = 0; column < tiling.tiles.columns.count; ++column) {
      const int tile = tiling.tile(strip, column);
      const auto core = tiling.core(tile, level.level);
      const bool is_last = tiling.is_last(tile);
      transform_columns(band, group, spectra + column * tiling.spectrum_size(), planes);
      for (int i = 0; i < group.count; ++i) {
        for (int y = 0; y < core.height; y += BlockSize) {
          T* rows = row(level, y, core.left);
          transform_rows(level, planes + i * level.plane_size, y, rows);
          if (is_last) average_rows(level, strip, core, y);
          if (keep) spectrum().keep_rows(level, y, rows);
        }
        if (!is_last) continue;
        end_strip(level, strip, core, map(first_map + i));
        if (partials_ != nullptr) partials_ += partial_size(level, tiling);
      }
    }
  }

  // The same of a path whose planes are inverted by a vector-radix plan.
  HWY_INLINE HWY_ATTR void transform_by_vector_radix(const Tiling<T>& tiling, const PathGroup& group,
                                                     int strip, const T* spectra, T* map) {
    const auto& level = tiling.levels[0];
    const auto& vector_radix = *tiling.vector_radix();
    const auto filter = tiling.image_band->vector_radix_filter(group.scale, group.angle);
    const VectorRadixTransform<D> transform(vector_radix);
    T* plane = scratch_.plane;
    for (int column = 0; column < tiling.tiles.columns.count; ++column) {
      const int tile = tiling.tile(strip, column);
      const auto core = tiling.core(tile, 0);
      transform.first_half(spectra + column * tiling.spectrum_size(), filter, plane);
      for (int block = 0; block < vector_radix.rows; ++block) {
        const int y = block * BlockSize;
        transform.moduli(plane, block, row(level, y, core.left), prefetcher_);
        if (!tiling.is_last(tile)) continue;
        T* averages = scratch_.averages;
        average_direct(level, y, averages);
        store_averages(core, averages, vector_radix.rows_of(block), averaged_rows(level, strip));
      }
      if (tiling.is_last(tile)) end_strip(level, strip, core, map);
    }
    if (partials_ != nullptr) partials_ += partial_size(level, tiling);
  }

  HWY_INLINE bool by_vector_radix(const PathGroup& group) const {
    return group.inversion == Inversion::VectorRadix;
  }

  HWY_INLINE const Level<T>& level_of(const PathGroup& group) const { return tables_.level_of(group); }
  HWY_INLINE std::size_t partial_size(const Level<T>& level, const Tiling<T>& tiling) const {
    return tiling.strips() * level.partial_rows * tables_.scratch.output_stride;
  }

  // What is read after the group is prefetched while its rows are transformed, a little with each block of a
  // row or each butterfly.
  HWY_INLINE void begin_prefetch(const Tiling<T>& tiling, const PathGroup& group, NextReads next) {
    const auto& level = level_of(group);
    prefetcher_ =
        Prefetcher(next, tiling.tiles.columns.count * group.count * blocks_of(level.height) * level.blocks);
  }
  static HWY_INLINE int blocks_of(int rows) { return (rows + BlockSize - 1) / BlockSize; }

  // ---- columns ----

  // The columns of x * psi for each path of the group, before the transform of rows.
  HWY_NOINLINE HWY_ATTR void transform_columns(const Band<T>& band, const PathGroup& group, const T* spectra,
                                               T* planes) {
    const int to = tables_.geometry.level(group.scale);
    const auto& level = level_of(group);
    const auto& folding = band.folding(to);
    const T* spectrum = spectra + band.offset(to);
    for (int block = 0; block < folding.columns.stored; ++block, spectrum += folding.block_stride()) {
      for (int i = 0; i < group.count; ++i) {
        const auto filter_at = [&](int plane_block) {
          return band.filter(group.scale, group.angle + i, to, plane_block);
        };
        T* plane = planes + i * level.plane_size;
        filter_block(level, folding, filter_at(block), spectrum,
                     PlacedElements<D>{plane + block * block_values, level.plane_output.data()});
        if (block >= folding.columns.pairs) continue;
        const int mirrored = folding.columns.stored + block;
        filter_block(level, folding, filter_at(mirrored), spectrum,
                     ConjugateSink<D>{plane + mirrored * block_values, level.plane_output.data()});
      }
    }
  }

  template <class Sink>
  HWY_INLINE HWY_ATTR void filter_block(const Level<T>& level, const Folding& folding,
                                        const FilterBlock<T>& filter, const T* spectrum, const Sink& sink) {
    if (filter.segments.empty()) {
      for (int y = 0; y < level.height; ++y) sink.store(d_, y, y, {hn::Zero(d_), hn::Zero(d_)});
      return;
    }
    if (folding.aliases() == 1) {
      const T* values = filter.values + filter.segments.front().values;
      fft(level.along_columns, ProductSource<D, BlockSize>{values, positions(level, filter), spectrum}, sink);
      return;
    }
    T* line = scratch_.line;
    for (const auto& segment : filter.segments) {
      int alias = 0;
      do {  // also if none is kept
        with_count<most_aliases>(segment.aliases - alias, [&](auto count) HWY_ATTR {
          add_products<decltype(count)::value>(filter, segment, alias, spectrum, folding.alias_size(), line);
        });
        alias += most_aliases;
      } while (alias < segment.aliases);
    }
    fft(level.along_columns, Elements<D>{line}, sink);
  }

  // Where a filter of one alias has the rows of a spectrum, by positions; null if at the same ones.
  static HWY_INLINE const std::int32_t* positions(const Level<T>& level, const FilterBlock<T>& filter) {
    return filter.flipped ? level.flipped_position.data() : nullptr;
  }

  // By rows, the sum of the products of the kept aliases [first, first + Count) of a segment: added to the
  // line or, of the first ones, stored there.
  template <int Count>
  HWY_NOINLINE HWY_ATTR void add_products(const FilterBlock<T>& filter, const FilterSegment& segment,
                                          int first, const T* spectrum, std::size_t alias_size, T* line) {
    std::ptrdiff_t offsets[std::max(Count, 1)];
    for (int p = 0; p < Count; ++p)
      offsets[p] = filter.aliases[segment.first_alias + first + p] * static_cast<std::ptrdiff_t>(alias_size);
    const std::size_t row_values = segment.aliases * BlockSize;
    const auto [begin, end] = filter.used_rows(segment);
    const T* values =
        filter.values + segment.values + (begin - segment.begin) * row_values + first * BlockSize;
    for (int of_filter = begin; of_filter < end; ++of_filter, values += row_values) {
      const std::size_t row = filter.row(of_filter);
      T* to = line + row * element;
      const T* samples = spectrum + row * element;
      Complex<D> sum = {hn::Zero(d_), hn::Zero(d_)};
      if (first > 0) sum = load_element(d_, to);
      unroll<Count>([&](auto p) SCATLIGHT_LAMBDA {
        sum = add_scaled<D>(sum, load_filter<BlockSize>(d_, values + p * BlockSize),
                            load_element(d_, samples + offsets[p]));
      });
      store_element(d_, sum, to);
    }
  }

  // ---- blocks of rows ----

  // |x * psi| of rows [y, y + BlockSize).
  HWY_INLINE HWY_ATTR void transform_rows(const Level<T>& level, T* plane, int y, T* to) {
    fft_of_line(level, load_rows(level, plane, y), ModulusSink<D>{to, level.row_output.data()});
  }

  // Rows [y, y + BlockSize) of the plane between columns and rows, as a line.
  HWY_INLINE HWY_ATTR T* load_rows(const Level<T>& level, T* plane, int y) {
    T* from = plane + y / BlockSize * level.row_block_stride;
    if constexpr (lanes_are_planes<BlockSize>) return from;
    T* line = scratch_.line;
    for (int block = 0; block < level.blocks;
         ++block, from += block_values, line += level.line_block_stride) {
      transpose(d_, from, element, line, element);
      transpose(d_, from + lanes, element, line + lanes, element);
      prefetcher_.step();
    }
    return scratch_.line;
  }

  // Rows [y, y + BlockSize) of a tile of the image, as lanes.
  HWY_INLINE HWY_ATTR void load_image_rows(const Tiling<T>& tiling, int tile, const T* image, int y, T* to) {
    const auto& level = tiling.levels[0];
    const auto& row_sources = tiling.rows_of(tile);
    const auto& columns = tiling.columns_of(tile);
    const auto source_row = [&](const T* of_image, std::size_t step, int r) {
      const bool exists = y + r < level.height && row_sources[y + r] >= 0;
      return exists ? of_image + std::size_t(row_sources[y + r]) * tables_.options.width * step
                    : tables_.zero_row.data();
    };
    if constexpr (lanes_are_planes<BlockSize>) {
      const T* from = source_row(scratch_.images, lanes, 0);
      for (const auto& run : columns.runs)
        std::copy_n(from + run.source * lanes, run.length * lanes, to + run.begin * lanes);
    } else {
      const T* rows[lanes];
      for (int r = 0; r < lanes; ++r) rows[r] = source_row(image, 1, r);
      for (const auto& run : columns.runs) {
        T* to_run = to + run.begin * lanes;
        if (run.length < lanes) {
          for (int x = 0; x < run.length; ++x)
            for (int r = 0; r < lanes; ++r) to_run[x * lanes + r] = rows[r][run.source + x];
          continue;
        }
        for (int begin = 0; begin < run.length; begin += lanes) {
          const int x = std::min(begin, run.length - lanes);
          transpose_lines(
              d_, [&](int r) SCATLIGHT_LAMBDA { return rows[r] + run.source + x; },
              [&](int c) SCATLIGHT_LAMBDA { return to_run + (x + c) * lanes; });
        }
      }
      // Prefetches the next rows: the hardware prefetcher begins anew with each block and page.
      for (int r = lanes; r < 2 * lanes; ++r) {
        const T* next = source_row(image, 1, r);
        for (const auto& run : columns.runs) {
          for (int i = 0; i < run.length; i += lanes) hwy::Prefetch(next + run.source + i);
        }
      }
    }
    for (const auto& repeat : columns.repeats)
      hn::Store(hn::Load(d_, to + repeat.of * lanes), d_, to + repeat.column * lanes);
    for (const auto column : columns.zeros) hn::Store(hn::Zero(d_), d_, to + column * lanes);
  }

  // ---- planes in lanes ----

  // `size` values of each plane, which stand `stride` apart, as vectors with lanes for planes. Lanes of no
  // plane are zero.
  HWY_NOINLINE HWY_ATTR void pack(const T* from, std::size_t stride, std::size_t size, T* to) const {
    std::size_t i = 0;
    if (planes_ == lanes) {
      for (; i + lanes <= size; i += lanes) transpose(d_, from + i, stride, to + i * lanes, lanes);
    } else {
      std::fill_n(to, size * lanes, T{0});
    }
    for (; i < size; ++i) {
      for (int plane = 0; plane < planes_; ++plane) to[i * lanes + plane] = from[plane * stride + i];
    }
  }
  // The inverse of pack.
  HWY_NOINLINE HWY_ATTR void unpack(const T* from, std::size_t size, T* to, std::size_t stride) const {
    std::size_t i = 0;
    if (planes_ == lanes) {
      for (; i + lanes <= size; i += lanes) transpose(d_, from + i * lanes, lanes, to + i, stride);
    }
    for (; i < size; ++i) {
      for (int plane = 0; plane < planes_; ++plane) to[plane * stride + i] = from[i * lanes + plane];
    }
  }

  // ---- low-pass ----

  // The horizontal low-pass of rows [y, y + BlockSize) of a strip, which are complete, at the output columns.
  // Where it takes two blocks of rows at a time, it waits for the second one.
  HWY_NOINLINE HWY_ATTR void average_rows(const Level<T>& level, int strip, const Core& core, int y) {
    const int outputs = tables_.geometry.columns.output;
    T* averages = scratch_.averages;
    T* to = averaged_rows(level, strip);
    if (level.horizontal.halves || !level.horizontal.spectral) {
      if constexpr (lanes_are_planes<BlockSize>) averages = to + y * tables_.scratch.output_stride;
      average_direct(level, y, averages);
      store_averages(core, averages, from_row(y), to);
      return;
    }
    const bool is_second = y / BlockSize % 2 == 1;
    const bool is_last = y + BlockSize >= core.height;
    if (!is_second && !is_last) return;
    // Lanes that hold no output would leak into others by rounding.
    T* last = row(level, y, 0);
    if (y + BlockSize > core.height) clear_lanes(core.height - y, last, level.plane_width);
    T* second_averages = averages + tables_.scratch.averages;
    for (T* of_block : {averages, second_averages})
      std::fill(of_block + outputs * lanes, of_block + tables_.scratch.averages, T{0});
    low_pass().average_pair(level.horizontal, outputs, is_second ? row(level, y - BlockSize, 0) : last, last,
                            lanes, averages, second_averages, lanes);
    if (is_second) store_averages(core, averages, from_row(y - BlockSize), to);
    store_averages(core, second_averages, from_row(y), to);
  }

  // The same of one block of rows, where it does not take two.
  HWY_INLINE HWY_ATTR void average_direct(const Level<T>& level, int y, T* averages) {
    const int outputs = tables_.geometry.columns.output;
    if (level.horizontal.halves) {
      low_pass().average_halves(level.horizontal, outputs, row(level, y, 0), lanes, averages, lanes);
    } else {
      low_pass().continue_periodically(level.horizontal, level.plane_width,
                                       row(level, y, -level.horizontal.radius), lanes);
      low_pass().average(level.horizontal, outputs, row(level, y, level.horizontal.center(0)), lanes,
                         averages, lanes);
    }
    // The vertical low-pass may take them together with others.
    if constexpr (!lanes_are_planes<BlockSize>)
      std::fill(averages + outputs * lanes, averages + tables_.scratch.averages, T{0});
  }

  HWY_INLINE T* partial(const Level<T>& level, int strip) const {
    return partials_ + strip * level.partial_rows * tables_.scratch.output_stride;
  }
  // Where the averaged rows of a strip go: the first one of its core.
  HWY_INLINE T* averaged_rows(const Level<T>& level, int strip) const {
    const bool is_partial = partials_ != nullptr && level.vertical.takes_whole();
    return is_partial ? partial(level, strip) : scratch_.average_rows;
  }

  // Rows number(0) ... number(BlockSize - 1) of a strip, if they are the core's: what follows may be another
  // strip's, and of another thread.
  template <class Number>
  HWY_INLINE HWY_ATTR void store_averages(const Core& core, const T* averages, const Number& number, T* to) {
    const std::size_t stride = tables_.scratch.output_stride;
    if constexpr (lanes_are_planes<BlockSize>) {
      T* row = to + number(0) * stride;
      if (averages != row) std::copy_n(averages, stride, row);
      return;
    }
    T* rows[BlockSize];
    for (int r = 0; r < BlockSize; ++r)
      rows[r] = number(r) < core.height ? to + number(r) * stride : scratch_.map;  // which is not in use
    for (std::size_t out = 0; out < stride; out += lanes) {
      transpose_lines(
          d_, [&](int x) SCATLIGHT_LAMBDA { return averages + (out + x) * lanes; },
          [&](int r) SCATLIGHT_LAMBDA { return rows[r] + out; });
    }
  }
  static HWY_INLINE auto from_row(int y) {
    return [y](int r) { return y + r; };
  }

  HWY_INLINE HWY_ATTR void clear_lanes(int from, T* vectors, std::size_t count) const {
    const auto used = hn::FirstN(d_, from);
    for (std::size_t i = 0; i < count * lanes; i += lanes)
      hn::Store(hn::IfThenElseZero(used, hn::Load(d_, vectors + i)), d_, vectors + i);
  }

  // When all rows of a strip are averaged: its partial map, or the map if there is one strip only.
  HWY_NOINLINE HWY_ATTR void end_strip(const Level<T>& level, int strip, const Core& core, T* map) {
    const std::size_t stride = tables_.scratch.output_stride;
    const auto& vertical = level.vertical;
    T* rows = scratch_.average_rows;
    if (partials_ != nullptr) {
      if (vertical.takes_whole()) return;  // the averaged rows are the partial map
      const std::size_t zeros = 2 * vertical.radius * stride;
      std::fill_n(rows - zeros, zeros, T{0});
      std::fill_n(rows + core.height * stride, zeros, T{0});
      const auto [first, last] = vertical.reached(core.top, core.top + core.height);
      return average_columns(vertical, first, last, rows, core.top, partial(level, strip));
    }
    if (vertical.takes_whole()) {
      average_whole_columns(vertical, rows);
    } else {
      low_pass().continue_periodically(vertical, level.plane_height, rows - vertical.radius * stride, stride);
      average_columns(vertical, 0, tables_.geometry.rows.output, rows, 0, scratch_.map);
    }
    write_map(map);
  }

  // A map from the partial maps of all strips.
  HWY_NOINLINE HWY_ATTR void combine(const Tiling<T>& tiling, const Level<T>& level, const T* partials,
                                     T* map) {
    const std::size_t stride = tables_.scratch.output_stride;
    const int height = tables_.geometry.rows.output;
    const auto& vertical = level.vertical;
    if (vertical.takes_whole()) {
      average_whole_columns(vertical, partials);
      return write_map(map);
    }
    T* outputs = scratch_.map;
    std::fill_n(outputs, height * stride, T{0});
    const int period = level.plane_height / vertical.step;
    for (int strip = 0; strip < tiling.strips(); ++strip, partials += level.partial_rows * stride) {
      const auto core = tiling.core(tiling.tile(strip, 0), level.level);
      const auto [first, last] = vertical.reached(core.top, core.top + core.height);
      const T* from = partials;
      for (int reached = first; reached < last; ++reached, from += stride) {
        const int out = (reached + vertical.border + period) % period - vertical.border;
        if (out < 0 || out >= height) continue;
        T* to = outputs + out * stride;
        for (std::size_t x = 0; x < stride; x += lanes) add_to(to + x, hn::Load(d_, from + x));
      }
    }
    write_map(map);
  }

  // The vertical low-pass of averaged rows, of which `rows` is row `top` of the plane, at outputs [first,
  // last).
  HWY_INLINE HWY_ATTR void average_columns(const LowPass<T>& vertical, int first, int last, const T* rows,
                                           int top, T* to) {
    const std::size_t stride = tables_.scratch.output_stride;
    rows += (vertical.center(first) - top) * static_cast<std::ptrdiff_t>(stride);
    for (std::size_t x = 0; x < stride; x += lanes)
      low_pass().average(vertical, last - first, rows + x, stride, to + x, stride);
  }
  // The same of all rows as a whole, to Scratch::map.
  HWY_INLINE HWY_ATTR void average_whole_columns(const LowPass<T>& vertical, const T* rows) {
    const std::size_t stride = tables_.scratch.output_stride;
    T* outputs = scratch_.map;
    if (vertical.halves) {
      for (std::size_t x = 0; x < stride; x += lanes)
        low_pass().average_halves(vertical, tables_.geometry.rows.output, rows + x, stride, outputs + x,
                                  stride);
      return;
    }
    for (std::size_t x = 0; x < stride; x += 2 * lanes) {
      const std::size_t second = std::min(x + lanes, stride - lanes);
      low_pass().average_pair(vertical, tables_.geometry.rows.output, rows + x, rows + second, stride,
                              outputs + x, outputs + second, stride);
    }
  }

  // From Scratch::map to a map (of the first plane).
  HWY_INLINE HWY_ATTR void write_map(T* to) {
    const std::size_t stride = tables_.scratch.output_stride;
    const int height = tables_.geometry.rows.output;
    const int width = tables_.geometry.columns.output;
    const T* outputs = scratch_.map;
    if constexpr (lanes_are_planes<BlockSize>) return unpack(outputs, map_size_, to, features_size());
    for (int out = 0; out < height; ++out, outputs += stride, to += width) std::copy_n(outputs, width, to);
  }

  const int planes_;
  T* const features_;
  T* partials_;  // of the map at work
  Prefetcher prefetcher_;
  const std::size_t map_size_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
