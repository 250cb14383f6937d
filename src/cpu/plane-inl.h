// The scattering transform of one plane. Included once for each instruction set.
//
// Lanes are neighbouring columns while columns are transformed and neighbouring rows while rows are; blocks
// of lanes x lanes samples are transposed between the two. Or lanes are planes, and `Side` is 1 (Packing).

#if defined(SCATLIGHT_CPU_PLANE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_PLANE_INL_H_
#undef SCATLIGHT_CPU_PLANE_INL_H_
#else
#define SCATLIGHT_CPU_PLANE_INL_H_
#endif

#include <hwy/cache_control.h>

#include <algorithm>

#include "cpu/grid-inl.h"
#include "cpu/low_pass-inl.h"
#include "cpu/modulus-inl.h"
#include "cpu/real_spectrum-inl.h"
#include "cpu/workspace-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// ---- sources and sinks of the transforms ----

// The values of a filter at the columns of a block.
template <int Side, class D>
HWY_INLINE HWY_ATTR hn::Vec<D> load_filter(D d, const Real<D>* at) {
  if constexpr (Side == 1) {
    return hn::Set(d, *at);
  } else {
    return hn::Load(d, at);
  }
}

// Columns of x^ psi^ where nothing is folded.
template <class D, int Side>
struct ProductSource {
  const Real<D>* filter;
  const std::int32_t* filter_positions;  // null if they are those of the spectrum
  const Real<D>* spectrum;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int) const {
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t of_filter = filter_positions == nullptr ? position : filter_positions[position];
    const auto psi = load_filter<Side>(d, filter + of_filter * Side);
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

// Of `planes` planes, of which the images or maps stand one after the other; no more than Packing::planes().
template <class D, int Side>
class PlaneTransform : protected Workspace<D, Side> {
 protected:
  using T = Real<D>;
  using Base = Workspace<D, Side>;
  using Base::add_to;
  using Base::at;
  using Base::block_size;
  using Base::column_step;
  using Base::d_;
  using Base::element;
  using Base::fft;
  using Base::lanes;
  using Base::room_;
  using Base::tables_;
  using typename Base::Room;

 public:
  // `features` is null where maps are written later, or not at all; `shares`, of the first map, where they
  // are written at once, or not at all.
  HWY_ATTR PlaneTransform(const Tables<T>& tables, int planes, T* features, T* shares, T* room)
      : Base(tables, room),
        planes_(planes),
        features_(features),
        shares_(shares),
        map_size_(std::size_t(tables.geometry.rows.output) * tables.geometry.columns.output) {}

  // The spectra of a strip's tiles and map 0, or the strip's share of it, unless both are null.
  HWY_ATTR void analyse(const Tiling<T>& tiling, int strip, const T* image, T* spectra) {
    const auto& level = tiling.levels[0];
    const bool keep = tables_.options.max_order >= 1;
    const bool has_map = features_ != nullptr || shares_ != nullptr;
    if constexpr (Side == 1) pack(image, image_size(), image_size(), at(&Room::images));
    for (int column = 0; column < tiling.tiles.columns.count; ++column) {
      const int tile = tiling.tile(strip, column);
      const auto core = tiling.core(tile, 0);
      const int averaged = has_map && tiling.is_last(tile) ? core.height : 0;
      for (int y = 0; y < level.height; y += Side) {
        T* rows = row(level, y, core.left);
        load_image_rows(tiling, tile, image, y, rows);
        if (keep) spectrum().keep_rows(level, y, rows);
        if (y < averaged) average_rows(level, strip, core, y);
      }
      if (averaged > 0) end_strip(level, strip, core, features_);
      if (keep) spectrum().fold(level, tiling.image_band[0], spectra + column * tiling.spectrum_size());
    }
  }

  // From the spectra of a strip's tiles.
  HWY_ATTR void paths(const PathGroup& group, int strip, const T* spectra, Upcoming next) {
    const auto& options = tables_.options;
    const bool second_order = options.max_order >= 2 && group.scale + 1 < options.scales;
    const auto& tiling = tables_.tilings[group.tiling];
    // Before the filters of the next path of order 1, those of order 2 are read, by each.
    if (!second_order) begin_fetch(tiling, group, next);
    transform_group(tiling.image_band[0], group, strip, spectra, second_order, tables_.first_map(group));
    if (!second_order) return;

    const auto& band = tables_.modulus_bands[group.scale];
    T* folded = at(&Room::folded);
    spectrum().fold(tiling.levels[band.level], band, folded);
    for (const auto& second : tables_.second_groups[group.scale]) {
      transform_group(band, second, 0, folded, false,
                      tables_.second_map(group.scale, group.angle, second.scale, second.angle));
    }
  }

  // From the shares of all strips: map 0, and those of a group, of which the shares stand one after the
  // other.
  HWY_ATTR void image_map(const T* shares) {
    const auto& tiling = tables_.tilings[0];
    combine(tiling, tiling.levels[0], shares, features_);
  }
  HWY_ATTR void group_maps(const PathGroup& group, const T* shares) {
    for (int i = 0; i < group.count; ++i, shares += tables_.shares_size(group.scale))
      combine(tables_.tilings[group.tiling], level_of(group), shares, map(tables_.first_map(group) + i));
  }

 protected:
  static constexpr int most_parts = 8;  // multiplied at a time

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
    return at(&Room::band) + (y / Side & level.band_mask) * level.band_stride +
           (level.horizontal.radius + column) * lanes;
  }

  HWY_INLINE RealSpectrum<D, Side> spectrum() const { return {tables_, room_}; }
  HWY_INLINE LineLowPass<D> low_pass() const { return {at(&Room::line), at(&Room::work), at(&Room::prime)}; }

  // From a line, which is lost where planes are not in lanes: it is transformed in place up to the last stage
  // where two lines are too much for the first cache.
  template <class Sink>
  HWY_INLINE HWY_ATTR void fft_of_line(const Level<T>& level, T* line, const Sink& sink) {
    const std::ptrdiff_t* input = level.line_input.data();
    const PlacedElements<D> source{line, input};
    if constexpr (Side > 1 && lanes * sizeof(T) >= 64) {
      transform(d_, level.along_rows, source, InPlace<D>{line, input, level.line_work.data()},
                at(&Room::prime), sink);
    } else {
      fft(level.along_rows, source, sink);
    }
  }

  // |x * psi| * phi_J of a strip into the group's maps, of which the first one is given, or the strip's
  // shares of them; with `keep`, the row transform of |x * psi| too.
  HWY_INLINE HWY_ATTR void transform_group(const Band<T>& band, const PathGroup& group, int strip,
                                           const T* spectra, bool keep, int first_map) {
    const auto& tiling = tables_.tilings[group.tiling];
    const auto& level = level_of(group);
    if constexpr (has_grid<D, Side>()) {
      if (is_grid(group)) return transform_grids(tiling, group, strip, spectra, map(first_map));
    }
    T* planes = at(&Room::plane);
    for (int column = 0; column < tiling.tiles.columns.count; ++column) {
      const int tile = tiling.tile(strip, column);
      const auto core = tiling.core(tile, level.level);
      const bool is_last = tiling.is_last(tile);
      transform_columns(band, group, spectra + column * tiling.spectrum_size(), planes);
      for (int i = 0; i < group.count; ++i) {
        for (int y = 0; y < core.height; y += Side) {
          T* rows = row(level, y, core.left);
          transform_rows(level, planes + i * level.plane_size, y, rows);
          if (is_last) average_rows(level, strip, core, y);
          if (keep) spectrum().keep_rows(level, y, rows);
        }
        if (!is_last) continue;
        end_strip(level, strip, core, map(first_map + i));
        if (shares_ != nullptr) shares_ += tables_.shares_size(group.scale);
      }
    }
  }

  // The same of a path whose planes are grids.
  HWY_INLINE HWY_ATTR void transform_grids(const Tiling<T>& tiling, const PathGroup& group, int strip,
                                           const T* spectra, T* map) {
    const auto& level = tiling.levels[0];
    const auto& grid = *tiling.grid();
    const auto filter = tiling.image_band[0].grid_filter(group.scale, group.angle);
    const GridTransform<D> transform(grid);
    T* plane = at(&Room::plane);
    for (int column = 0; column < tiling.tiles.columns.count; ++column) {
      const int tile = tiling.tile(strip, column);
      const auto core = tiling.core(tile, 0);
      transform.first_half(spectra + column * tiling.spectrum_size(), filter, plane);
      for (int block = 0; block < grid.rows; ++block) {
        const int y = block * Side;
        transform.moduli(plane, block, row(level, y, core.left), fetch_);
        if (!tiling.is_last(tile)) continue;
        T* averages = at(&Room::averages);
        average_direct(level, y, averages);
        store_averages(core, averages, grid.rows_of(block), averaged_rows(level, strip));
      }
      if (tiling.is_last(tile)) end_strip(level, strip, core, map);
    }
    if (shares_ != nullptr) shares_ += tables_.shares_size(group.scale);
  }

  HWY_INLINE bool is_grid(const PathGroup& group) const {
    return level_of(group).level == 0 && tables_.tilings[group.tiling].grid();
  }

  HWY_INLINE const Level<T>& level_of(const PathGroup& group) const {
    return tables_.tilings[group.tiling].levels[tables_.geometry.level(group.scale)];
  }

  // What is read after the group is fetched while its rows are transformed, by lines or cells of a grid.
  HWY_INLINE void begin_fetch(const Tiling<T>& tiling, const PathGroup& group, Upcoming next) {
    const auto& level = level_of(group);
    fetch_ = Fetch(next, tiling.tiles.columns.count * group.count * blocks_of(level.height) * level.blocks);
  }
  static HWY_INLINE int blocks_of(int rows) { return (rows + Side - 1) / Side; }

  // ---- columns ----

  // The columns of x * psi for each path of the group, before the transform of rows.
  HWY_NOINLINE HWY_ATTR void transform_columns(const Band<T>& band, const PathGroup& group, const T* spectra,
                                               T* planes) {
    const int to = tables_.geometry.level(group.scale);
    const auto& level = level_of(group);
    const auto& folding = band.folding(to);
    const T* spectrum = spectra + band.offset(to);
    for (int block = 0; block < folding.columns.stored; ++block, spectrum += folding.block_size()) {
      for (int i = 0; i < group.count; ++i) {
        const auto filter_at = [&](int planar_block) {
          return band.filter(group.scale, group.angle + i, to, planar_block);
        };
        T* plane = planes + i * level.plane_size;
        filter_block(level, folding, filter_at(block), spectrum,
                     PlacedElements<D>{plane + block * block_size, level.plane_output.data()});
        if (block >= folding.columns.pairs) continue;
        const int mirrored = folding.columns.stored + block;
        filter_block(level, folding, filter_at(mirrored), spectrum,
                     ConjugateSink<D>{plane + mirrored * block_size, level.plane_output.data()});
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
    if (folding.parts() == 1) {
      const T* values = filter.values + filter.segments.front().values;
      fft(level.along_columns, ProductSource<D, Side>{values, positions(level, filter), spectrum}, sink);
      return;
    }
    T* line = at(&Room::line);
    for (const auto& segment : filter.segments) {
      int part = 0;
      do {  // also if none is kept
        with_count<most_parts>(segment.parts - part, [&](auto count) HWY_ATTR {
          add_products<decltype(count)::value>(filter, segment, part, spectrum, folding.part_size(), line);
        });
        part += most_parts;
      } while (part < segment.parts);
    }
    fft(level.along_columns, Elements<D>{line}, sink);
  }

  // Of a filter of one part, by positions of a spectrum; null if they are the same.
  static HWY_INLINE const std::int32_t* positions(const Level<T>& level, const FilterBlock<T>& filter) {
    return filter.flipped ? level.flipped_position.data() : nullptr;
  }

  // The sum of the products of the kept parts [first, first + Count) of a segment, by rows; added to the
  // line, or for the first ones in place of it.
  template <int Count>
  HWY_NOINLINE HWY_ATTR void add_products(const FilterBlock<T>& filter, const FilterSegment& segment,
                                          int first, const T* spectrum, std::size_t part_size, T* line) {
    std::ptrdiff_t offsets[std::max(Count, 1)];
    for (int p = 0; p < Count; ++p)
      offsets[p] = filter.parts[segment.first_part + first + p] * static_cast<std::ptrdiff_t>(part_size);
    const std::size_t row_values = segment.parts * Side;
    const auto [begin, end] = filter.used_rows(segment);
    const T* values = filter.values + segment.values + (begin - segment.begin) * row_values + first * Side;
    for (int of_filter = begin; of_filter < end; ++of_filter, values += row_values) {
      const std::size_t row = filter.row(of_filter);
      T* to = line + row * element;
      const T* samples = spectrum + row * element;
      Complex<D> sum = {hn::Zero(d_), hn::Zero(d_)};
      if (first > 0) sum = load_element(d_, to);
      unroll<Count>([&](auto p) SCATLIGHT_LAMBDA {
        sum = add_scaled<D>(sum, load_filter<Side>(d_, values + p * Side),
                            load_element(d_, samples + offsets[p]));
      });
      store_element(d_, sum, to);
    }
  }

  // ---- blocks of rows ----

  // |x * psi| of rows [y, y + Side).
  HWY_INLINE HWY_ATTR void transform_rows(const Level<T>& level, T* plane, int y, T* to) {
    fft_of_line(level, load_rows(level, plane, y), ModulusSink<D>{to, level.row_output.data()});
  }

  // Rows [y, y + Side) of the plane between columns and rows, as a line.
  HWY_INLINE HWY_ATTR T* load_rows(const Level<T>& level, T* plane, int y) {
    T* from = plane + y / Side * level.row_block_size;
    if constexpr (Side == 1) return from;
    T* line = at(&Room::line);
    for (int block = 0; block < level.blocks; ++block, from += block_size, line += level.line_block_size) {
      transpose(d_, from, element, line, element);
      transpose(d_, from + lanes, element, line + lanes, element);
      fetch_.step();
    }
    return at(&Room::line);
  }

  // Rows [y, y + Side) of a tile of the image, as lanes.
  HWY_INLINE HWY_ATTR void load_image_rows(const Tiling<T>& tiling, int tile, const T* image, int y, T* to) {
    const auto& level = tiling.levels[0];
    const auto& row_sources = tiling.rows_of(tile);
    const auto& columns = tiling.columns_of(tile);
    const auto source_row = [&](const T* of_image, std::size_t step, int r) {
      const bool exists = y + r < level.height && row_sources[y + r] >= 0;
      return exists ? of_image + std::size_t(row_sources[y + r]) * tables_.options.width * step
                    : tables_.zero_row.data();
    };
    if constexpr (Side == 1) {
      const T* from = source_row(at(&Room::images), lanes, 0);
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
      // The next rows, for the processor's own prefetching begins anew with each block and page.
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
  // The other way round.
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

  // The horizontal low-pass of rows [y, y + Side) of a strip, which are complete, at the output columns.
  // Where it takes two blocks of rows at a time, with the second one.
  HWY_NOINLINE HWY_ATTR void average_rows(const Level<T>& level, int strip, const Core& core, int y) {
    const int outputs = tables_.geometry.columns.output;
    T* averages = at(&Room::averages);
    T* to = averaged_rows(level, strip);
    if (level.horizontal.halves || !level.horizontal.spectral) {
      if constexpr (Side == 1) averages = to + y * tables_.room.output_stride;
      average_direct(level, y, averages);
      store_averages(core, averages, from_row(y), to);
      return;
    }
    const bool is_second = y / Side % 2 == 1;
    const bool is_last = y + Side >= core.height;
    if (!is_second && !is_last) return;
    // Lanes that hold no output would leak into others by rounding.
    T* last = row(level, y, 0);
    if (y + Side > core.height) clear_lanes(core.height - y, last, level.plane_width);
    T* second_averages = averages + tables_.room.averages_size;
    for (T* of_block : {averages, second_averages})
      std::fill(of_block + outputs * lanes, of_block + tables_.room.averages_size, T{0});
    low_pass().average_pair(level.horizontal, outputs, is_second ? row(level, y - Side, 0) : last, last,
                            lanes, averages, second_averages, lanes);
    if (is_second) store_averages(core, averages, from_row(y - Side), to);
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
    if constexpr (Side > 1)
      std::fill(averages + outputs * lanes, averages + tables_.room.averages_size, T{0});
  }

  HWY_INLINE T* share(const Level<T>& level, int strip) const {
    return shares_ + strip * level.share_rows * tables_.room.output_stride;
  }
  // Where the averaged rows of a strip go: row 0 of it.
  HWY_INLINE T* averaged_rows(const Level<T>& level, int strip) const {
    const bool are_share = shares_ != nullptr && level.vertical.takes_whole();
    return are_share ? share(level, strip) : at(&Room::average_rows);
  }

  // Rows number(0) ... number(Side - 1) of a strip, if they are the core's: what follows may be another
  // strip's, and of another thread.
  template <class Number>
  HWY_INLINE HWY_ATTR void store_averages(const Core& core, const T* averages, const Number& number, T* to) {
    const std::size_t stride = tables_.room.output_stride;
    if constexpr (Side == 1) {
      T* row = to + number(0) * stride;
      if (averages != row) std::copy_n(averages, stride, row);
      return;
    }
    T* rows[Side];
    for (int r = 0; r < Side; ++r)
      rows[r] = number(r) < core.height ? to + number(r) * stride : at(&Room::map);  // which is not in use
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

  // When all rows of a strip are averaged: its share of a map, or the map of which it is the whole.
  HWY_NOINLINE HWY_ATTR void end_strip(const Level<T>& level, int strip, const Core& core, T* map) {
    const std::size_t stride = tables_.room.output_stride;
    const auto& vertical = level.vertical;
    T* rows = at(&Room::average_rows);
    if (shares_ != nullptr) {
      if (vertical.takes_whole()) return;  // the averaged rows are its share
      const std::size_t zeros = 2 * vertical.radius * stride;
      std::fill_n(rows - zeros, zeros, T{0});
      std::fill_n(rows + core.height * stride, zeros, T{0});
      const auto [first, last] = vertical.reached(core.top, core.top + core.height);
      return average_columns(vertical, first, last, rows, core.top, share(level, strip));
    }
    if (vertical.takes_whole()) {
      average_whole_columns(vertical, rows);
    } else {
      low_pass().continue_periodically(vertical, level.plane_height, rows - vertical.radius * stride, stride);
      average_columns(vertical, 0, tables_.geometry.rows.output, rows, 0, at(&Room::map));
    }
    write_map(map);
  }

  // A map from the shares of all strips.
  HWY_NOINLINE HWY_ATTR void combine(const Tiling<T>& tiling, const Level<T>& level, const T* shares,
                                     T* map) {
    const std::size_t stride = tables_.room.output_stride;
    const int height = tables_.geometry.rows.output;
    const auto& vertical = level.vertical;
    if (vertical.takes_whole()) {
      average_whole_columns(vertical, shares);
      return write_map(map);
    }
    T* outputs = at(&Room::map);
    std::fill_n(outputs, height * stride, T{0});
    const int period = level.plane_height / vertical.step;
    for (int strip = 0; strip < tiling.strips(); ++strip, shares += level.share_rows * stride) {
      const auto core = tiling.core(tiling.tile(strip, 0), level.level);
      const auto [first, last] = vertical.reached(core.top, core.top + core.height);
      const T* from = shares;
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
    const std::size_t stride = tables_.room.output_stride;
    rows += (vertical.center(first) - top) * static_cast<std::ptrdiff_t>(stride);
    for (std::size_t x = 0; x < stride; x += lanes)
      low_pass().average(vertical, last - first, rows + x, stride, to + x, stride);
  }
  // The same of all rows as a whole, to Room::map.
  HWY_INLINE HWY_ATTR void average_whole_columns(const LowPass<T>& vertical, const T* rows) {
    const std::size_t stride = tables_.room.output_stride;
    T* outputs = at(&Room::map);
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

  // From Room::map to a map (of the first plane).
  HWY_INLINE HWY_ATTR void write_map(T* to) {
    const std::size_t stride = tables_.room.output_stride;
    const int height = tables_.geometry.rows.output;
    const int width = tables_.geometry.columns.output;
    const T* outputs = at(&Room::map);
    if constexpr (Side == 1) return unpack(outputs, map_size_, to, features_size());
    for (int out = 0; out < height; ++out, outputs += stride, to += width) std::copy_n(outputs, width, to);
  }

  const int planes_;
  T* const features_;
  T* shares_;  // of the map at work
  Fetch fetch_;
  const std::size_t map_size_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
