// The scattering transform of one plane. Included once for each instruction set.
//
// Lanes are neighbouring columns while columns are transformed and neighbouring rows while rows are; blocks
// of lanes x lanes samples are transposed between the two.

#if defined(SCATLIGHT_CPU_PLANE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_PLANE_INL_H_
#undef SCATLIGHT_CPU_PLANE_INL_H_
#else
#define SCATLIGHT_CPU_PLANE_INL_H_
#endif

#include <algorithm>

#include "cpu/fft-inl.h"
#include "cpu/tables.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// ---- transposition ----

#if HWY_TARGET == HWY_SCALAR
template <class D>
HWY_INLINE HWY_ATTR void transpose(D, const Real<D>* from, std::size_t, Real<D>* to, std::size_t) {
  *to = *from;
}
#else

// Of each 16 bytes of the vector a part of another row: the first from `at`, the next from as many rows below
// as 16 bytes hold values, and so on.
template <class D>
HWY_INLINE HWY_ATTR hn::Vec<D> load_parts(D d, const Real<D>* at, std::size_t stride) {
  if constexpr (hn::MaxLanes(d) * sizeof(Real<D>) <= 16) {
    return hn::LoadU(d, at);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_parts(half, at + hn::Lanes(half) * stride, stride),
                       load_parts(half, at, stride));
  }
}

// to[c][r] = from[r][c] for lanes x lanes values; strides count values.
template <class D>
HWY_INLINE HWY_ATTR void transpose(D d, const Real<D>* from, std::size_t from_stride, Real<D>* to,
                                   std::size_t to_stride) {
  constexpr int lanes = hn::MaxLanes(d);
  constexpr int together = 16 / sizeof(Real<D>);
  for (int c = 0; c < lanes; c += together, from += together, to += together * to_stride) {
    if constexpr (together == 2) {
      const auto a = load_parts(d, from, from_stride);
      const auto b = load_parts(d, from + from_stride, from_stride);
      hn::StoreU(hn::InterleaveLower(d, a, b), d, to);
      hn::StoreU(hn::InterleaveUpper(d, a, b), d, to + to_stride);
    } else {
      const auto r0 = load_parts(d, from, from_stride);
      const auto r1 = load_parts(d, from + from_stride, from_stride);
      const auto r2 = load_parts(d, from + 2 * from_stride, from_stride);
      const auto r3 = load_parts(d, from + 3 * from_stride, from_stride);
      const auto even_low = hn::InterleaveLower(d, r0, r2);
      const auto odd_low = hn::InterleaveLower(d, r1, r3);
      const auto even_high = hn::InterleaveUpper(d, r0, r2);
      const auto odd_high = hn::InterleaveUpper(d, r1, r3);
      hn::StoreU(hn::InterleaveLower(d, even_low, odd_low), d, to);
      hn::StoreU(hn::InterleaveUpper(d, even_low, odd_low), d, to + to_stride);
      hn::StoreU(hn::InterleaveLower(d, even_high, odd_high), d, to + 2 * to_stride);
      hn::StoreU(hn::InterleaveUpper(d, even_high, odd_high), d, to + 3 * to_stride);
    }
  }
}
#endif

// ---- sources and sinks of the transforms ----

// Columns of x^ psi^, folded, where all parts are kept.
template <class D, int Parts>
struct ProductSource {
  FilterBlock<Real<D>> filter;
  const Real<D>* spectrum;  // (position, part) elements

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int) const {
    const std::size_t lanes = hn::Lanes(d);
    const Real<D>* values = filter.values + filter.offsets[position] * Parts;
    const Real<D>* samples = spectrum + std::size_t(position) * (Parts * 2 * lanes);
    Complex<D> sum;
    unroll<Parts>([&](auto p) SCATLIGHT_LAMBDA {
      const auto psi = hn::Load(d, values + p * lanes);
      const auto x = load_element(d, samples + (Parts == 1 ? 0 : filter.parts[p]) * 2 * lanes);
      if constexpr (decltype(p)::value == 0) {
        sum = {hn::Mul(psi, x.re), hn::Mul(psi, x.im)};
      } else {
        sum = add_scaled<D>(sum, psi, x);
      }
    });
    return sum;
  }
};

// Elements in the order in which a transform asks for them.
template <class D>
struct OrderedElements {
  const Real<D>* data;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int) const {
    return load_element(d, data + static_cast<std::size_t>(position) * (2 * hn::Lanes(d)));
  }
};

template <class D>
struct ModulusSink {
  Real<D>* row;
  const std::ptrdiff_t* offsets;

  HWY_INLINE HWY_ATTR void store(D d, int position, int, Complex<D> z) const {
    hn::Store(hn::Sqrt(hn::MulAdd(z.re, z.re, hn::Mul(z.im, z.im))), d, row + offsets[position]);
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

// Two planes of reals, from exchanged elements.
template <class D>
struct PlanarSink {
  Real<D>* re;
  Real<D>* im;
  std::size_t stride;

  HWY_INLINE HWY_ATTR void store(D d, int, int index, Complex<D> exchanged) const {
    hn::StoreU(exchanged.im, d, re + index * stride);
    hn::StoreU(exchanged.re, d, im + index * stride);
  }
};

// ---- the transform of a plane ----

template <class D>
class PlaneTransform {
  using T = Real<D>;

 public:
  HWY_ATTR PlaneTransform(const Tables<T>& tables, T* features, T* room)
      : tables_(tables),
        features_(features),
        room_(room),
        map_size_(std::size_t(tables.geometry.rows.output) * tables.geometry.columns.output) {}

  HWY_ATTR void analyse(const T* image, T* spectra) {
    const auto& level = tables_.levels[0];
    const bool keep = tables_.options.max_order >= 1;
    for (int y = 0; y < level.height; y += lanes) {
      load_image_rows(image, y);
      if (keep) keep_rows(level, y);
      if (features_ != nullptr && y < level.padded_height) average_rows(level, y);
    }
    if (features_ != nullptr) write_map(level, 0);
    if (keep) fold_spectrum(level, tables_.image_band[0], spectra);
  }

  HWY_ATTR void paths(const PathGroup& group, const T* spectra) {
    const auto& options = tables_.options;
    const bool second_order = options.max_order >= 2 && group.scale + 1 < options.scales;
    transform_group(tables_.image_band[0], group, spectra, second_order,
                    [&](int angle) { return 1 + group.scale * options.angles + angle; });
    if (!second_order) return;

    const auto& band = tables_.modulus_bands[group.scale];
    T* folded = at(&Room::folded);
    fold_spectrum(tables_.levels[band.level], band, folded);
    for (const auto& second : tables_.second_groups[group.scale]) {
      transform_group(band, second, folded, false, [&](int angle) {
        return tables_.second_map(group.scale, group.angle, second.scale, angle);
      });
    }
  }

 protected:
  using Room = typename Tables<T>::Room;
  static constexpr int lanes = hn::MaxLanes(D());
  static constexpr std::size_t element = 2 * lanes;
  static constexpr std::size_t block_size = lanes * element;
  static constexpr int most_parts = 8;  // multiplied at a time

  HWY_INLINE T* at(std::size_t Room::* part) const { return room_ + tables_.room.*part; }
  // The vectors of a block of real rows, without the margin before them.
  HWY_INLINE T* row(const Level<T>& level) const { return at(&Room::row) + level.horizontal.radius * lanes; }

  // |x * psi| * phi_J into the maps; with `keep`, the row transform of |x * psi| too.
  template <class MapOf>
  HWY_INLINE HWY_ATTR void transform_group(const Band<T>& band, const PathGroup& group, const T* spectra,
                                           bool keep, const MapOf& map_of) {
    const auto& level = tables_.levels[tables_.geometry.level(group.scale)];
    T* planes = at(&Room::plane);
    transform_columns(band, group, spectra, planes);
    for (int i = 0; i < group.count; ++i) {
      for (int y = 0; y < level.padded_height; y += lanes) {
        transform_rows(level, planes + i * level.plane_size, y);
        average_rows(level, y);
        if (keep) keep_rows(level, y);
      }
      write_map(level, map_of(group.angle + i));
    }
  }

  // ---- columns ----

  // The columns of x * psi for each path of the group, before the transform of rows.
  HWY_NOINLINE HWY_ATTR void transform_columns(const Band<T>& band, const PathGroup& group, const T* spectra,
                                               T* planes) {
    const int to = tables_.geometry.level(group.scale);
    const auto& level = tables_.levels[to];
    const auto& folding = band.folding(to);
    const T* spectrum = spectra + band.offset(to);
    for (int block = 0; block < folding.columns.stored; ++block, spectrum += folding.block_size()) {
      for (int i = 0; i < group.count; ++i) {
        const auto filter_at = [&](int planar_block) {
          return band.filter(group.scale, group.angle + i, level, planar_block);
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
    T* work = at(&Room::work);
    if (filter.kept == 0) {
      for (int y = 0; y < level.height; ++y) sink.store(d_, y, y, {hn::Zero(d_), hn::Zero(d_)});
      return;
    }
    if (folding.parts() == 1) {
      transform(d_, level.along_columns, ProductSource<D, 1>{filter, spectrum}, work, sink);
    } else if (folding.parts() == 4 && filter.kept == 4) {
      transform(d_, level.along_columns, ProductSource<D, 4>{filter, spectrum}, work, sink);
    } else {
      T* line = at(&Room::line);
      for (int p = 0; p < filter.kept; p += most_parts) {
        with_count<most_parts>(filter.kept - p, [&](auto count) HWY_ATTR {
          add_products<decltype(count)::value>(level.height, filter, p, spectrum, folding.parts(), line);
        });
      }
      transform(d_, level.along_columns, OrderedElements<D>{line}, work, sink);
    }
  }

  // The sum of the products of the kept parts [first, first + Count), by positions; added to the line, or for
  // the first ones in place of it.
  template <int Count>
  HWY_NOINLINE HWY_ATTR void add_products(int height, const FilterBlock<T>& filter, int first,
                                          const T* spectrum, int all_parts, T* line) {
    std::ptrdiff_t offsets[Count];
    for (int p = 0; p < Count; ++p)
      offsets[p] = filter.parts[first + p] * static_cast<std::ptrdiff_t>(element);
    const T* values = filter.values + first * lanes;
    for (int position = 0; position < height; ++position, line += element, spectrum += all_parts * element) {
      const T* at_position = values + filter.offsets[position] * filter.kept;
      Complex<D> sum = {hn::Zero(d_), hn::Zero(d_)};
      if (first > 0) sum = load_element(d_, line);
      unroll<Count>([&](auto p) SCATLIGHT_LAMBDA {
        sum = add_scaled<D>(sum, hn::Load(d_, at_position + p * lanes),
                            load_element(d_, spectrum + offsets[p]));
      });
      store_element(d_, sum, line);
    }
  }

  // ---- blocks of rows ----

  // |x * psi| of rows [y, y + lanes) into the row.
  HWY_INLINE HWY_ATTR void transform_rows(const Level<T>& level, const T* plane, int y) {
    load_rows(level, plane, y);
    transform(d_, level.along_rows, PlacedElements<D>{at(&Room::line), level.line_input.data()},
              at(&Room::work), ModulusSink<D>{row(level), level.row_output.data()});
  }

  // Rows [y, y + lanes) of the plane between columns and rows, as lanes of a line.
  HWY_INLINE HWY_ATTR void load_rows(const Level<T>& level, const T* plane, int y) {
    const T* from = plane + y / lanes * level.row_block_size;
    T* line = at(&Room::line);
    for (int block = 0; block < level.blocks; ++block, from += block_size, line += block_size) {
      transpose(d_, from, element, line, element);
      transpose(d_, from + lanes, element, line + lanes, element);
    }
  }

  // Rows [y, y + lanes) of the image on the wavelets' grid, as lanes of the row.
  HWY_INLINE HWY_ATTR void load_image_rows(const T* image, int y) {
    const auto& level = tables_.levels[0];
    const std::size_t stride = level.blocks * lanes;
    T* rows = at(&Room::line);
    std::fill(rows, rows + stride * lanes, T{0});
    for (int r = 0; r < std::min(lanes, level.height - y); ++r) {
      const int source_row = tables_.row_sources[y + r];
      if (source_row < 0) continue;
      const T* from = image + std::int64_t{source_row} * tables_.options.width;
      T* to = rows + r * stride;
      const auto pad = [&](int begin, int end) {
        for (int x = begin; x < end; ++x) {
          const int source = tables_.column_sources[x];
          to[x] = source < 0 ? T{0} : from[source];
        }
      };
      const auto& columns = tables_.geometry.columns;
      pad(0, columns.before);
      std::copy_n(from, columns.size, to + columns.before);
      pad(columns.before + columns.size, level.width);
    }
    for (int block = 0; block < level.blocks; ++block) {
      transpose(d_, rows + block * lanes, stride, row(level) + block * lanes * lanes, lanes);
    }
  }

  // ---- low-pass ----

  // A line of samples of `step` values has room for a low-pass's radius of them before its first and after
  // its last one: fills it with what the line has at its other end.
  HWY_INLINE HWY_ATTR void continue_periodically(const LowPass<T>& low_pass, int length, T* line,
                                                 std::size_t step) {
    const std::size_t margin = low_pass.radius * step;
    std::copy_n(line + length * step, margin, line);
    std::copy_n(line + margin, margin, line + length * step + margin);
  }

  // A low-pass along a continued line; of each sample, the first vector.
  HWY_INLINE HWY_ATTR void average_line(const LowPass<T>& low_pass, int outputs, const T* line,
                                        std::size_t step, T* to, std::size_t to_step) {
    constexpr int together = 8;
    if (outputs < together) {
      for (int out = 0; out < outputs; ++out) average_outputs<1>(low_pass, out, line, step, to, to_step);
      return;
    }
    int out = 0;
    for (; out + together <= outputs; out += together)
      average_outputs<together>(low_pass, out, line, step, to, to_step);
    if (outputs - out > together / 2) {
      average_outputs<together>(low_pass, outputs - together, line, step, to, to_step);
    } else if (out < outputs) {
      average_outputs<together / 2>(low_pass, outputs - together / 2, line, step, to, to_step);
    }
  }

  // Several outputs at once, which share the loads of the weights and do not wait for each other's sums.
  template <int Count>
  HWY_INLINE HWY_ATTR void average_outputs(const LowPass<T>& low_pass, int out, const T* line,
                                           std::size_t step, T* to, std::size_t to_step) {
    const T* from = line + low_pass.center(out) * step;
    const std::size_t next = low_pass.step * step;
    hn::Vec<D> sums[Count];
    unroll<Count>([&](auto i) SCATLIGHT_LAMBDA { sums[i] = hn::Zero(d_); });
    const T* weight = low_pass.weights_from(0);
    for (const T* end = weight + low_pass.taps(); weight != end; ++weight, from += step) {
      const auto factor = hn::Set(d_, *weight);
      unroll<Count>([&](auto i) SCATLIGHT_LAMBDA {
        sums[i] = hn::MulAdd(factor, hn::Load(d_, from + i * next), sums[i]);
      });
    }
    to += out * to_step;
    unroll<Count>([&](auto i) SCATLIGHT_LAMBDA { hn::Store(sums[i], d_, to + i * to_step); });
  }

  // The horizontal low-pass of rows [y, y + lanes), which are in the row, at the output columns.
  HWY_NOINLINE HWY_ATTR void average_rows(const Level<T>& level, int y) {
    const auto& room = tables_.room;
    T* averages = at(&Room::averages);
    T* extended = at(&Room::row);
    continue_periodically(level.horizontal, level.padded_width, extended, lanes);
    average_line(level.horizontal, tables_.geometry.columns.output, extended, lanes, averages, lanes);
    T* rows = at(&Room::average_rows) + (level.vertical.radius + y) * room.output_stride;
    for (std::size_t out = 0; out < room.output_stride; out += lanes)
      transpose(d_, averages + out * lanes, lanes, rows + out, room.output_stride);
  }

  // The vertical low-pass of the averaged rows at the output rows, to a map.
  HWY_NOINLINE HWY_ATTR void write_map(const Level<T>& level, int map) {
    const std::size_t stride = tables_.room.output_stride;
    const int height = tables_.geometry.rows.output;
    const int width = tables_.geometry.columns.output;
    T* rows = at(&Room::average_rows);
    T* outputs = at(&Room::map);
    continue_periodically(level.vertical, level.padded_height, rows, stride);
    for (std::size_t x = 0; x < stride; x += lanes)
      average_line(level.vertical, height, rows + x, stride, outputs + x, stride);
    T* to = features_ + map * map_size_;
    for (int out = 0; out < height; ++out, outputs += stride, to += width) std::copy_n(outputs, width, to);
  }

  // ---- the spectrum of a real plane ----

  static HWY_INLINE int half_blocks(const Level<T>& level) { return level.width / 2 / lanes + 1; }

  // Two blocks of real rows travel through one transform as its real and imaginary parts; what belongs to
  // which follows from the symmetry of real signals. Forward transforms are inverse ones of exchanged
  // elements.
  HWY_NOINLINE HWY_ATTR void keep_rows(const Level<T>& level, int y) {
    T* pair = at(&Room::pair);
    const T* real = row(level);
    const bool is_second = y / lanes % 2 == 1;
    T* part = is_second ? pair : pair + lanes;
    // Lanes beyond the plane may hold anything, and would leak into the other block's by rounding.
    const auto used = hn::FirstN(d_, std::min(lanes, level.height - y));
    for (int x = 0; x < level.width; ++x) {
      hn::Store(hn::IfThenElseZero(used, hn::Load(d_, real + x * lanes)), d_, part + x * element);
    }
    const bool is_last = y + lanes >= level.height;
    if (!is_second && !is_last) return;
    if (!is_second) {
      for (int x = 0; x < level.width; ++x) hn::Store(hn::Zero(d_), d_, pair + x * element);
    }
    const Elements<D> elements{pair};
    transform(d_, level.along_rows, elements, at(&Room::work), elements);

    const auto one_half = hn::Set(d_, T{0.5});
    const auto mirrored = [&](int k) SCATLIGHT_LAMBDA {
      return load_element(d_, pair + (k == 0 ? 0 : level.width - k) * element);
    };
    const int first = is_second ? y - lanes : y;
    T* line = at(&Room::line);
    for (int k = 0; k <= level.width / 2; ++k) {
      const auto z = load_element(d_, pair + k * element);
      const auto m = mirrored(k);
      store_element(
          d_, Complex<D>{hn::Mul(one_half, hn::Sub(z.re, m.re)), hn::Mul(one_half, hn::Add(z.im, m.im))},
          line + k * element);
    }
    store_half_rows(level, first);
    if (!is_second) return;
    for (int k = 0; k <= level.width / 2; ++k) {
      const auto z = load_element(d_, pair + k * element);
      const auto m = mirrored(k);
      store_element(
          d_, Complex<D>{hn::Mul(one_half, hn::Sub(m.im, z.im)), hn::Mul(one_half, hn::Add(z.re, m.re))},
          line + k * element);
    }
    store_half_rows(level, y);
  }

  // From lanes of rows in the line to lanes of columns in `half`; still exchanged.
  HWY_INLINE HWY_ATTR void store_half_rows(const Level<T>& level, int y) {
    const std::size_t stride = tables_.room.half_stride;
    const T* line = at(&Room::line);
    T* to = at(&Room::half) + y * stride;
    for (int block = 0; block < half_blocks(level); ++block) {
      transpose(d_, line, element, to, stride);
      transpose(d_, line + lanes, element, to + lanes, stride);
      line += lanes * element;
      to += element;
    }
  }

  // Ends the transform of the rows kept: columns, then the order of the band's foldings.
  HWY_NOINLINE HWY_ATTR void fold_spectrum(const Level<T>& level, const Band<T>& band, T* spectra) {
    const auto& room = tables_.room;
    T* re = at(&Room::spectrum) + room.spectrum_margin;
    T* im = re + level.height * room.spectrum_stride;
    for (int block = 0; block < half_blocks(level); ++block) {
      transform(d_, level.along_columns,
                StridedElements<D>{at(&Room::half) + block * element, room.half_stride}, at(&Room::work),
                PlanarSink<D>{re + block * lanes, im + block * lanes, room.spectrum_stride});
    }
    for (std::size_t i = 0; i < band.foldings.size(); ++i) {
      const auto& order = tables_.levels[band.first_to_level + i].along_columns.input;
      fold_to(level, band.foldings[i], order, re, im, spectra + band.offsets[i]);
    }
  }

  HWY_INLINE HWY_ATTR void fold_to(const Level<T>& level, const Folding& folding,
                                   const std::vector<std::int32_t>& order, const T* re, const T* im, T* to) {
    for (int block = 0; block < folding.columns.stored; ++block) {
      for (int across = 0; across < folding.across; ++across) {
        const int x = folding.columns.first(block) + across * folding.width;
        T* part = to + block * folding.block_size() + across * element;
        if (x + lanes - 1 <= level.width / 2) {
          fold_column(folding, order, part, [&](int y) SCATLIGHT_LAMBDA { return direct_at(re, im, y, x); });
        } else if (x > level.width / 2) {
          fold_column(folding, order, part,
                      [&](int y) SCATLIGHT_LAMBDA { return mirrored_at(level, re, im, y, x); });
        } else {
          fold_column(folding, order, part,
                      [&](int y) SCATLIGHT_LAMBDA { return middle_at(level, re, im, y, x); });
        }
        if (folding.columns.has_zero(block) && folding.columns.first(block) > 0)
          fold_zero(level, folding, order, re, im, across * folding.width, part);
      }
    }
  }

  template <class SpectrumAt>
  HWY_INLINE HWY_ATTR void fold_column(const Folding& folding, const std::vector<std::int32_t>& order,
                                       T* part, const SpectrumAt& spectrum_at) {
    for (const int row : order) {
      for (int down = 0; down < folding.down; ++down, part += folding.across * element) {
        store_element(d_, spectrum_at(row + down * folding.height), part);
      }
    }
  }

  // Column 0 of the coarser spectrum, where it stands beside columns that are not its neighbours.
  HWY_INLINE HWY_ATTR void fold_zero(const Level<T>& level, const Folding& folding,
                                     const std::vector<std::int32_t>& order, const T* re, const T* im, int x,
                                     T* part) {
    for (const int row : order) {
      for (int down = 0; down < folding.down; ++down, part += folding.across * element)
        copy_sample(level, re, im, row + down * folding.height, x, part, part + lanes);
    }
  }

  // Columns [x, x + lanes) of a row of the spectrum of a real plane, of which the columns up to the middle
  // are there: before the middle,
  HWY_INLINE HWY_ATTR Complex<D> direct_at(const T* re, const T* im, int y, int x) const {
    const std::size_t at = y * tables_.room.spectrum_stride + x;
    return {hn::LoadU(d_, re + at), hn::LoadU(d_, im + at)};
  }
  // after it, as mirror images; columns beyond the width are anything,
  HWY_INLINE HWY_ATTR Complex<D> mirrored_at(const Level<T>& level, const T* re, const T* im, int y,
                                             int x) const {
    const std::ptrdiff_t at =
        (y == 0 ? 0 : level.height - y) * static_cast<std::ptrdiff_t>(tables_.room.spectrum_stride) +
        level.width - x - (lanes - 1);
    return {hn::Reverse(d_, hn::LoadU(d_, re + at)), hn::Neg(hn::Reverse(d_, hn::LoadU(d_, im + at)))};
  }
  // and across it.
  HWY_INLINE HWY_ATTR Complex<D> middle_at(const Level<T>& level, const T* re, const T* im, int y,
                                           int x) const {
    HWY_ALIGN T parts[2][lanes] = {};
    for (int lane = 0; lane < std::min(lanes, level.width - x); ++lane)
      copy_sample(level, re, im, y, x + lane, &parts[0][lane], &parts[1][lane]);
    return {hn::Load(d_, parts[0]), hn::Load(d_, parts[1])};
  }
  HWY_INLINE void copy_sample(const Level<T>& level, const T* re, const T* im, int y, int x, T* to_re,
                              T* to_im) const {
    const bool direct = x <= level.width / 2;
    const std::size_t row = direct || y == 0 ? y : level.height - y;
    const std::size_t at = row * tables_.room.spectrum_stride + (direct ? x : level.width - x);
    *to_re = re[at];
    *to_im = direct ? im[at] : -im[at];
  }

  const D d_ = {};
  const Tables<T>& tables_;
  T* const features_;
  T* const room_;
  const std::size_t map_size_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
