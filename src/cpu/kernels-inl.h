// The scattering of one plane and of one group of lanes. Included once for each instruction set, per
// precision.

#if defined(SCATLIGHT_CPU_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_KERNELS_INL_H_
#undef SCATLIGHT_CPU_KERNELS_INL_H_
#else
#define SCATLIGHT_CPU_KERNELS_INL_H_
#endif

#include <algorithm>

#include "cpu/fft-inl.h"
#include "cpu/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// ---- one plane: padding, order 0, spectrum ----

// Fills (height, padded_stride); the columns beyond the padded width are zero.
template <class T>
HWY_ATTR void pad(const Tables<T>& tables, const T* image, T* padded) {
  for (int source_row : tables.row_sources) {
    const T* row = image + static_cast<std::int64_t>(source_row) * tables.options.width;
    std::size_t column = 0;
    for (int source : tables.column_sources)
      padded[column++] = source_row < 0 || source < 0 ? T{0} : row[source];
    std::fill(padded + column, padded + tables.room.padded_stride, T{0});
    padded += tables.room.padded_stride;
  }
}

HWY_INLINE std::size_t wrapped(int index, std::size_t length) { return index < 0 ? index + length : index; }

// x * phi_J at the output samples: first along columns, with a vector of columns, then along rows, with a
// vector of output rows.
template <class D, class T = Real<D>>
HWY_ATTR void order_zero(D d, const Tables<T>& tables, const T* padded, T* averaged, T* map) {
  const auto& level = tables.levels[0];
  const auto& room = tables.room;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t height = level.height;
  const std::size_t width = level.width;
  const int output_height = tables.geometry.rows.output;
  const int output_width = tables.geometry.columns.output;

  HWY_ALIGN T column[HWY_MAX_BYTES / sizeof(T)];
  for (std::size_t x = 0; x < width; x += lanes) {
    for (int out = 0; out < output_height; ++out) {
      auto sum = hn::Zero(d);
      std::size_t row = wrapped(level.vertical.center(out) - level.vertical.radius, height);
      for (const T weight : level.vertical.weights) {
        sum = hn::MulAdd(hn::Set(d, weight), hn::Load(d, padded + row * room.padded_stride + x), sum);
        if (++row == height) row = 0;
      }
      hn::Store(sum, d, column);
      for (std::size_t lane = 0; lane < std::min(lanes, width - x); ++lane) {
        averaged[(x + lane) * room.averaged_stride + out] = column[lane];
      }
    }
  }
  for (int first = 0; first < output_height; first += static_cast<int>(lanes)) {
    const int rows = std::min(static_cast<int>(lanes), output_height - first);
    for (int out = 0; out < output_width; ++out) {
      auto sum = hn::Zero(d);
      std::size_t x = wrapped(level.horizontal.center(out) - level.horizontal.radius, width);
      for (const T weight : level.horizontal.weights) {
        sum = hn::MulAdd(hn::Set(d, weight), hn::Load(d, averaged + x * room.averaged_stride + first), sum);
        if (++x == width) x = 0;
      }
      hn::Store(sum, d, column);
      for (int row = 0; row < rows; ++row) map[(first + row) * output_width + out] = column[row];
    }
  }
}

// The spectrum of a real plane. Two vectors of columns travel as one complex vector; what belongs to which
// follows from the symmetry of real signals. Forward transforms are inverse ones with real and imaginary
// parts exchanged.
template <class D, class T = Real<D>>
HWY_ATTR void forward_spectrum(D d, const Tables<T>& tables, const T* padded, T* room_at, T* spectrum) {
  const auto& level = tables.levels[0];
  const auto& room = tables.room;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t element = 2 * lanes;
  const std::size_t height = level.height;
  const std::size_t width = level.width;
  const std::size_t half = height / 2;
  T* line = room_at + room.plane_line;
  T* work = room_at + room.plane_work;
  T* turned_re = room_at + room.turned;
  T* turned_im = turned_re + room.padded_stride * room.turned_stride;
  const Elements<D> elements{line};

  const auto one_half = hn::Set(d, T{0.5});
  HWY_ALIGN T parts[4][HWY_MAX_BYTES / sizeof(T)];
  for (std::size_t x = 0; x < width; x += 2 * lanes) {
    for (std::size_t y = 0; y < height; ++y) {
      const T* row = padded + y * room.padded_stride + x;
      store_element(d, Complex<D>{hn::Load(d, row + lanes), hn::Load(d, row)}, line + y * element);
    }
    transform(d, level.along_columns, elements, work, elements);
    for (std::size_t k = 0; k <= half; ++k) {
      const auto exchanged = load_element(d, line + k * element);
      const auto mirrored = load_element(d, line + (k == 0 ? 0 : height - k) * element);
      // z = a + i b, with z.re = exchanged.im: a = (z + conj z') / 2, b = (z - conj z') / 2i
      hn::Store(hn::Mul(one_half, hn::Add(exchanged.im, mirrored.im)), d, parts[0]);
      hn::Store(hn::Mul(one_half, hn::Sub(exchanged.re, mirrored.re)), d, parts[1]);
      hn::Store(hn::Mul(one_half, hn::Add(exchanged.re, mirrored.re)), d, parts[2]);
      hn::Store(hn::Mul(one_half, hn::Sub(mirrored.im, exchanged.im)), d, parts[3]);
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        turned_re[(x + lane) * room.turned_stride + k] = parts[0][lane];
        turned_im[(x + lane) * room.turned_stride + k] = parts[1][lane];
        turned_re[(x + lanes + lane) * room.turned_stride + k] = parts[2][lane];
        turned_im[(x + lanes + lane) * room.turned_stride + k] = parts[3][lane];
      }
    }
  }

  T* spectrum_re = spectrum;
  T* spectrum_im = spectrum + tables.spectrum_stride * width;
  for (std::size_t y = 0; y <= half; y += lanes) {
    for (std::size_t x = 0; x < width; ++x) {
      store_element(d,
                    Complex<D>{hn::Load(d, turned_im + x * room.turned_stride + y),
                               hn::Load(d, turned_re + x * room.turned_stride + y)},
                    line + x * element);
    }
    transform(d, level.along_rows, elements, work, elements);
    for (std::size_t k = 0; k < width; ++k) {
      const auto exchanged = load_element(d, line + k * element);
      hn::StoreU(exchanged.im, d, spectrum_re + k * tables.spectrum_stride + y);
      hn::StoreU(exchanged.re, d, spectrum_im + k * tables.spectrum_stride + y);
    }
  }
  for (std::size_t k = 0; k < width; ++k) {
    const std::size_t mirrored = (k == 0 ? 0 : width - k) * tables.spectrum_stride;
    for (std::size_t y = half + 1; y < height; ++y) {
      spectrum_re[k * tables.spectrum_stride + y] = spectrum_re[mirrored + height - y];
      spectrum_im[k * tables.spectrum_stride + y] = -spectrum_im[mirrored + height - y];
    }
  }
}

// ---- one group of lanes ----

// The end of the row transform: the modulus of each sample.
template <class D>
struct ModulusSink {
  Real<D>* row;

  HWY_INLINE HWY_ATTR void store(D d, int index, Complex<D> z) const {
    hn::Store(hn::Sqrt(hn::MulAdd(z.re, z.re, hn::Mul(z.im, z.im))), d,
              row + static_cast<std::size_t>(index) * hn::Lanes(d));
  }
};

// A column of x^ psi^, folded, as the source of a transform: all lanes belong to one plane. `parts` of the
// column begin at part[0]; their filters follow each other.
template <class D, bool OnePart>
struct ProductSource {
  using Part = typename FoldedFilters<Real<D>>::Part;
  const Real<D>* filters;
  const Real<D>* spectrum;  // OnePart: where the part begins
  std::size_t imaginary;    // from a real part to its imaginary part
  const Part* part;
  int parts;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int index) const {
    const std::size_t lanes = hn::Lanes(d);
    if constexpr (OnePart) {
      const auto psi = hn::LoadU(d, filters + position * lanes);
      return {hn::Mul(psi, hn::Set(d, spectrum[index])),
              hn::Mul(psi, hn::Set(d, spectrum[imaginary + index]))};
    } else {
      const Real<D>* filter = filters + static_cast<std::size_t>(position) * parts * lanes;
      Complex<D> sum{hn::Zero(d), hn::Zero(d)};
      for (int p = 0; p < parts; ++p, filter += lanes) {
        const Real<D>* x = spectrum + part[p].offset + index;
        const auto psi = hn::LoadU(d, filter);
        sum.re = hn::MulAdd(psi, hn::Set(d, x[0]), sum.re);
        sum.im = hn::MulAdd(psi, hn::Set(d, x[imaginary]), sum.im);
      }
      return sum;
    }
  }
};

// The same where lanes belong to several planes: each lane picks its plane's sample and its angle's filter.
template <class D>
struct SharedProductSource {
  using Part = typename FoldedFilters<Real<D>>::Part;
  using Index = hn::TFromD<hn::RebindToSigned<D>>;
  const Real<D>* filters;
  const Real<D>* spectrum;  // of the first plane
  std::size_t spectrum_size;
  std::size_t imaginary;
  const Part* part;
  int parts;
  int angles;        // of a filter
  int other_planes;  // after the first
  const Real<D>* plane_of_lane;
  const Index* angle_of_lane;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int index) const {
    const auto planes = hn::Load(d, plane_of_lane);
    const auto angle_indices = hn::SetTableIndices(d, angle_of_lane);
    const Real<D>* filter = filters + static_cast<std::size_t>(position) * parts * angles;
    Complex<D> sum{hn::Zero(d), hn::Zero(d)};
    for (int p = 0; p < parts; ++p) {
      const Real<D>* x = spectrum + part[p].offset + index;
      auto re = hn::Set(d, x[0]);
      auto im = hn::Set(d, x[imaginary]);
      for (int other = 1; other <= other_planes; ++other) {
        const auto mine = hn::Eq(planes, hn::Set(d, static_cast<Real<D>>(other)));
        re = hn::IfThenElse(mine, hn::Set(d, x[other * spectrum_size]), re);
        im = hn::IfThenElse(mine, hn::Set(d, x[other * spectrum_size + imaginary]), im);
      }
      const auto psi = hn::TableLookupLanes(hn::LoadU(d, filter), angle_indices);
      sum.re = hn::MulAdd(psi, re, sum.re);
      sum.im = hn::MulAdd(psi, im, sum.im);
      filter += angles;
    }
    return sum;
  }
};

// A column of |x * psi_1|^ psi_2^, folded: each lane has a spectrum of its own, of which the columns up to
// the middle are kept (exchanged); the others are their mirror images.
template <class D>
struct SecondProductSource {
  using Part = typename FoldedFilters<Real<D>>::Part;
  const Real<D>* filters;
  const Real<D>* half_spectrum;
  std::size_t stride;
  const Part* part;
  int parts;
  int from_height;  // of the spectrum
  int from_width;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int index) const {
    const std::size_t element = 2 * hn::Lanes(d);
    Complex<D> sum{hn::Zero(d), hn::Zero(d)};
    const Real<D>* filter = filters + static_cast<std::size_t>(position) * parts;
    for (int p = 0; p < parts; ++p) {
      const auto psi = hn::Set(d, filter[p]);
      const int x = part[p].column;
      const int y = part[p].row + index;
      if (x <= from_width / 2) {
        const auto z = load_element(d, half_spectrum + x * stride + y * element);
        sum.re = hn::MulAdd(psi, z.im, sum.re);
        sum.im = hn::MulAdd(psi, z.re, sum.im);
      } else {
        const int mirrored = y == 0 ? 0 : from_height - y;
        const auto z = load_element(d, half_spectrum + (from_width - x) * stride + mirrored * element);
        sum.re = hn::MulAdd(psi, z.im, sum.re);
        sum.im = hn::NegMulAdd(psi, z.re, sum.im);
      }
    }
    return sum;
  }
};

template <class D>
class GroupTransform {
  using T = Real<D>;

 public:
  HWY_ATTR GroupTransform(D d, const Tables<T>& tables, const LaneGroup& group, const T* spectra, T* features,
                          T* room)
      : d_(d),
        tables_(tables),
        group_(group),
        spectra_(spectra),
        features_(features),
        room_(room),
        lanes_(hn::Lanes(d)),
        element_(2 * lanes_) {}

  HWY_ATTR void run() {
    const int level = tables_.geometry.level(group_.scale);
    if (group_.angles == static_cast<int>(lanes_)) {
      first_columns(level);
    } else {
      shared_first_columns(level);
    }
    const bool second_order = tables_.options.max_order >= 2 && group_.scale + 1 < tables_.options.scales;
    transform_rows(level, second_order);
    write_maps([&](int lane) { return 1 + group_.scale * tables_.options.angles + group_.angle(lane); });
    if (second_order) transform_second_order(level);
  }

 private:
  HWY_INLINE HWY_ATTR StridedElements<D> plane_column(int position) const {
    return {room_ + tables_.room.plane + position * element_, tables_.room.row_stride};
  }

  // The inverse transforms along columns of the products with the filters; source(column, first part, parts)
  // is one.
  template <class MakeSource>
  HWY_INLINE HWY_ATTR void transform_columns(const Level<T>& level, const FoldedFilters<T>& filters,
                                             const MakeSource& make_source) {
    for (int column = 0; column < level.width; ++column) {
      const auto sink = plane_column(level.column_position[column]);
      const int first = filters.begin[column];
      const int parts = filters.begin[column + 1] - first;
      if (parts == 0) {
        for (int y = 0; y < level.height; ++y) sink.store(d_, y, {hn::Zero(d_), hn::Zero(d_)});
        continue;
      }
      make_source(first, parts, [&](const auto& source) SCATLIGHT_LAMBDA {
        transform(d_, level.along_columns, source, room_ + tables_.room.work, sink);
      });
    }
  }

  HWY_NOINLINE HWY_ATTR void first_columns(int level_index) {
    const auto& level = tables_.levels[level_index];
    const auto& filters = tables_.first_filters(group_.scale, group_.pack);
    const std::size_t imaginary = tables_.levels[0].width * tables_.spectrum_stride;
    const T* spectrum = spectra_ + group_.plane(0) * tables_.spectrum_size();
    transform_columns(level, filters, [&](int first, int parts, const auto& go) SCATLIGHT_LAMBDA {
      const T* values = &filters.values[static_cast<std::size_t>(first) * level.height * lanes_];
      const auto* part = &filters.parts[first];
      if (parts == 1) {
        go(ProductSource<D, true>{values, spectrum + part->offset, imaginary, part, 1});
      } else {
        go(ProductSource<D, false>{values, spectrum, imaginary, part, parts});
      }
    });
  }

  HWY_NOINLINE HWY_ATTR void shared_first_columns(int level_index) {
    const auto& level = tables_.levels[level_index];
    const auto& filters = tables_.first_filters(group_.scale, group_.pack);
    HWY_ALIGN typename SharedProductSource<D>::Index angle_of_lane[HWY_MAX_BYTES / sizeof(T)] = {};
    HWY_ALIGN T plane_of_lane[HWY_MAX_BYTES / sizeof(T)] = {};
    const int first_plane = group_.plane(0);
    for (int lane = 0; lane < static_cast<int>(lanes_); ++lane) {
      const int used = std::min(lane, group_.lanes - 1);  // lanes to spare repeat the last one
      angle_of_lane[lane] =
          static_cast<typename SharedProductSource<D>::Index>(group_.angle(used) - group_.first_angle);
      plane_of_lane[lane] = static_cast<T>(group_.plane(used) - first_plane);
    }
    transform_columns(level, filters, [&](int first, int parts, const auto& go) SCATLIGHT_LAMBDA {
      go(SharedProductSource<D>{
          .filters = &filters.values[static_cast<std::size_t>(first) * level.height * group_.angles],
          .spectrum = spectra_ + first_plane * tables_.spectrum_size(),
          .spectrum_size = tables_.spectrum_size(),
          .imaginary = tables_.levels[0].width * tables_.spectrum_stride,
          .part = &filters.parts[first],
          .parts = parts,
          .angles = group_.angles,
          .other_planes = group_.plane(group_.lanes - 1) - first_plane,
          .plane_of_lane = plane_of_lane,
          .angle_of_lane = angle_of_lane});
    });
  }

  // The inverse transform along rows, then modulus and low-pass. What leaves it is a sum for each output
  // sample; with keep_spectrum, the spectrum of the modulus too.
  HWY_NOINLINE HWY_ATTR void transform_rows(int level_index, bool keep_spectrum) {
    const auto& level = tables_.levels[level_index];
    const auto& room = tables_.room;
    const int output_height = tables_.geometry.rows.output;
    const int output_width = tables_.geometry.columns.output;
    T* extended = room_ + room.modulus;
    T* modulus = extended + level.horizontal.radius * lanes_;
    T* averages = room_ + room.averages;
    T* sums = room_ + room.sums;
    std::fill(sums, sums + static_cast<std::size_t>(output_height) * output_width * lanes_, T{0});
    for (int y = 0; y < level.height; ++y) {
      transform(d_, level.along_rows, OrderedElements<D>{room_ + room.plane + y * room.row_stride},
                room_ + room.work, ModulusSink<D>{modulus});
      extend_row(level, extended);
      average_row(level.horizontal, extended, averages + y % rows_at_once * output_width * lanes_);
      if ((y + 1) % rows_at_once == 0 || y + 1 == level.height)
        add_rows(level, y / rows_at_once * rows_at_once, y + 1);
      if (keep_spectrum) keep_row(level, y, modulus);
    }
    if (keep_spectrum) finish_spectrum(level);
  }

  // Repeats what wraps around on both sides of the row, which begins after `radius` vectors.
  HWY_INLINE HWY_ATTR void extend_row(const Level<T>& level, T* extended) {
    const std::size_t margin = level.horizontal.radius * lanes_;
    const std::size_t length = level.width * lanes_;
    std::copy_n(extended + length, margin, extended);
    std::copy_n(extended + margin, margin, extended + margin + length);
  }

  HWY_INLINE HWY_ATTR void average_row(const LowPass<T>& low_pass, const T* extended, T* averages) {
    const int outputs = tables_.geometry.columns.output;
    constexpr int together = 8;
    if (outputs < together) {
      for (int out = 0; out < outputs; ++out) average_outputs<1>(low_pass, extended, out, averages);
      return;
    }
    int out = 0;
    for (; out + together <= outputs; out += together)
      average_outputs<together>(low_pass, extended, out, averages);
    if (out < outputs) average_outputs<together>(low_pass, extended, outputs - together, averages);
  }

  // Several outputs at once, which share the loads of the weights and do not wait for each other's sums.
  template <int Count>
  HWY_INLINE HWY_ATTR void average_outputs(const LowPass<T>& low_pass, const T* extended, int out,
                                           T* averages) {
    const T* at = extended + static_cast<std::size_t>(low_pass.center(out)) * lanes_;
    const std::size_t step = low_pass.step * lanes_;
    hn::Vec<D> sums[Count];
    unroll<Count>([&](auto i) SCATLIGHT_LAMBDA { sums[i] = hn::Zero(d_); });
    for (const T weight : low_pass.weights) {
      const auto factor = hn::Set(d_, weight);
      unroll<Count>([&](auto i) SCATLIGHT_LAMBDA {
        sums[i] = hn::MulAdd(factor, hn::Load(d_, at + i * step), sums[i]);
      });
      at += lanes_;
    }
    unroll<Count>([&](auto i) SCATLIGHT_LAMBDA { hn::Store(sums[i], d_, averages + (out + i) * lanes_); });
  }

  // Adds the averaged rows [first, end) to every output row whose vertical low-pass reaches them.
  HWY_INLINE HWY_ATTR void add_rows(const Level<T>& level, int first, int end) {
    const auto& low_pass = level.vertical;
    const std::size_t row_size = static_cast<std::size_t>(tables_.geometry.columns.output) * lanes_;
    for (int out = 0; out < tables_.geometry.rows.output; ++out) {
      T weights[rows_at_once];
      const T* rows[rows_at_once];
      int count = 0;
      for (int y = first; y < end; ++y) {
        int tap = y - low_pass.center(out) + low_pass.radius;
        if (tap >= level.height) tap -= level.height;
        if (tap < 0) tap += level.height;
        if (tap >= low_pass.taps()) continue;
        weights[count] = low_pass.weights[tap];
        rows[count++] = room_ + tables_.room.averages + (y - first) * row_size;
      }
      T* sums = room_ + tables_.room.sums + out * row_size;
      if (count == rows_at_once) {
        add_weighted<rows_at_once>(weights, rows, row_size, sums);
      } else {
        for (int i = 0; i < count; ++i) add_weighted<1>(&weights[i], &rows[i], row_size, sums);
      }
    }
  }

  template <int Count>
  HWY_INLINE HWY_ATTR void add_weighted(const T* weights, const T* const* rows, std::size_t size, T* sums) {
    hn::Vec<D> factors[Count];
    unroll<Count>([&](auto i) SCATLIGHT_LAMBDA { factors[i] = hn::Set(d_, weights[i]); });
    for (std::size_t at = 0; at < size; at += lanes_) {
      auto sum = hn::Load(d_, sums + at);
      unroll<Count>([&](auto i)
                        SCATLIGHT_LAMBDA { sum = hn::MulAdd(factors[i], hn::Load(d_, rows[i] + at), sum); });
      hn::Store(sum, d_, sums + at);
    }
  }

  template <class MapOfLane>
  HWY_INLINE HWY_ATTR void write_maps(const MapOfLane& map_of_lane) {
    const std::int64_t size = std::int64_t{tables_.geometry.rows.output} * tables_.geometry.columns.output;
    const T* sums = room_ + tables_.room.sums;
    for (int lane = 0; lane < group_.lanes; ++lane) {
      T* map = features_ +
               (static_cast<std::int64_t>(group_.plane(lane)) * tables_.maps + map_of_lane(lane)) * size;
      for (std::int64_t i = 0; i < size; ++i) map[i] = sums[i * lanes_ + lane];
    }
  }

  // ---- order 2 ----

  // Collects two real rows as one complex row, transforms it and stores the half spectra of both.
  HWY_INLINE HWY_ATTR void keep_row(const Level<T>& level, int y, const T* modulus) {
    T* pair = room_ + tables_.room.row_pair;
    // Exchanged, for a forward transform: the first row is the imaginary part.
    T* part = y % 2 == 0 ? pair + lanes_ : pair;
    for (int x = 0; x < level.width; ++x) {
      hn::Store(hn::Load(d_, modulus + x * lanes_), d_, part + x * element_);
    }
    if (y % 2 == 0) return;
    const Elements<D> row{pair};
    transform(d_, level.along_rows, row, room_ + tables_.room.work, row);
    const auto one_half = hn::Set(d_, T{0.5});
    T* half_spectrum = room_ + tables_.room.half_spectrum;
    for (int k = 0; k <= level.width / 2; ++k) {
      const auto exchanged = load_element(d_, pair + k * element_);
      const auto mirrored = load_element(d_, pair + (k == 0 ? 0 : level.width - k) * element_);
      T* at = half_spectrum + k * tables_.room.half_stride + (y - 1) * element_;
      // Kept exchanged: the columns follow.
      store_element(d_,
                    Complex<D>{hn::Mul(one_half, hn::Sub(exchanged.re, mirrored.re)),
                               hn::Mul(one_half, hn::Add(exchanged.im, mirrored.im))},
                    at);
      store_element(d_,
                    Complex<D>{hn::Mul(one_half, hn::Sub(mirrored.im, exchanged.im)),
                               hn::Mul(one_half, hn::Add(exchanged.re, mirrored.re))},
                    at + element_);
    }
  }

  HWY_INLINE HWY_ATTR void finish_spectrum(const Level<T>& level) {
    for (int k = 0; k <= level.width / 2; ++k) {
      const Elements<D> column{room_ + tables_.room.half_spectrum + k * tables_.room.half_stride};
      transform(d_, level.along_columns, column, room_ + tables_.room.work, column);
    }
  }

  HWY_ATTR void transform_second_order(int level_index) {
    const auto& options = tables_.options;
    const int angles = options.angles;
    const int scales = options.scales;
    const auto& level = tables_.levels[level_index];
    // Maps before those of (scale, angle): each (j1, theta1) has L maps for each j2 above j1.
    const auto paths_below = [&](int scale) {
      return angles * angles * (scale * (scales - 1) - scale * (scale - 1) / 2);
    };
    const int of_each_angle = angles * (scales - 1 - group_.scale);
    for (int j2 = group_.scale + 1; j2 < scales; ++j2) {
      const int low_index = tables_.geometry.level(j2);
      const auto& low = tables_.levels[low_index];
      for (int theta2 = 0; theta2 < angles; ++theta2) {
        const auto& filters = tables_.second_filter(level_index, j2, theta2);
        transform_columns(low, filters, [&](int first, int parts, const auto& go) SCATLIGHT_LAMBDA {
          go(SecondProductSource<D>{.filters = &filters.values[static_cast<std::size_t>(first) * low.height],
                                    .half_spectrum = room_ + tables_.room.half_spectrum,
                                    .stride = tables_.room.half_stride,
                                    .part = &filters.parts[first],
                                    .parts = parts,
                                    .from_height = level.height,
                                    .from_width = level.width});
        });
        transform_rows(low_index, false);
        write_maps([&](int lane) {
          return 1 + scales * angles + paths_below(group_.scale) + group_.angle(lane) * of_each_angle +
                 (j2 - group_.scale - 1) * angles + theta2;
        });
      }
    }
  }

  const D d_;
  const Tables<T>& tables_;
  const LaneGroup& group_;
  const T* const spectra_;
  T* const features_;
  T* const room_;
  const std::size_t lanes_;
  const std::size_t element_;
};

// ---- the entries of the kernel table ----

template <class T>
HWY_ATTR void analyse_plane(const Tables<T>& tables, const T* image, T* spectrum, T* features, T* room) {
  const hn::ScalableTag<T> d;
  T* padded = room + tables.room.padded;
  pad(tables, image, padded);
  order_zero(d, tables, padded, room + tables.room.averaged, features);
  if (tables.options.max_order >= 1) forward_spectrum(d, tables, padded, room, spectrum);
}

template <class T>
HWY_ATTR void transform_group(const Tables<T>& tables, const LaneGroup& group, const T* spectra, T* features,
                              T* room) {
  const hn::ScalableTag<T> d;
  GroupTransform<hn::ScalableTag<T>>(d, tables, group, spectra, features, room).run();
}

template <class T>
HWY_ATTR Kernels<T> make_kernels(std::string_view name) {
  return {name, static_cast<int>(hn::Lanes(hn::ScalableTag<T>())), analyse_plane<T>, transform_group<T>};
}

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
