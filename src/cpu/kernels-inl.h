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
      std::size_t row = level.vertical.first[out];
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
      std::size_t x = level.horizontal.first[out];
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
  const Elements<D> elements{line, element};

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
    hn::Store(hn::Sqrt(hn::MulAdd(z.re, z.re, hn::Mul(z.im, z.im))), d, row + index * hn::Lanes(d));
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
    transform_columns(level, [&](int column) HWY_ATTR { first_product(level, column); });
    const bool second_order = tables_.options.max_order >= 2 && group_.scale + 1 < tables_.options.scales;
    transform_rows(level, second_order);
    write_maps([&](int lane) { return 1 + group_.scale * tables_.options.angles + group_.angle(lane); });
    if (second_order) transform_second_order(level);
  }

 private:
  // The inverse transform along columns: product(column) leaves the column's spectrum in `line`.
  template <class Product>
  HWY_INLINE HWY_ATTR void transform_columns(int level_index, const Product& product) {
    const auto& level = tables_.levels[level_index];
    const Elements<D> line{room_ + tables_.room.line, element_};
    for (int column = 0; column < level.width; ++column) {
      product(column);
      transform(d_, level.along_columns, line, room_ + tables_.room.work,
                Elements<D>{room_ + tables_.room.plane + column * element_, tables_.room.row_stride});
    }
  }

  // One column of x^ psi^ of the group's lanes, folded from the whole spectrum to the level.
  HWY_INLINE HWY_ATTR void first_product(int level_index, int column) {
    const auto& level = tables_.levels[level_index];
    const int blocks = 1 << level_index;
    bool begun = false;
    for (int a = 0; a < blocks; ++a) {
      for (int b = 0; b < blocks; ++b) {
        const int from_column = column + a * level.width;
        const int from_row = b * level.height;
        if (group_.angles == static_cast<int>(lanes_)) {
          add_product(from_column, from_row, level.height, begun);
        } else {
          add_shared_product(from_column, from_row, level.height, begun);
        }
        begun = true;
      }
    }
  }

  // All lanes belong to one plane.
  HWY_INLINE HWY_ATTR void add_product(int column, int row, int count, bool begun) {
    const T* re =
        spectra_ + group_.plane(0) * tables_.spectrum_size() + column * tables_.spectrum_stride + row;
    const T* im = re + tables_.levels[0].width * tables_.spectrum_stride;
    const T* filter = filters(column, row);
    T* line = room_ + tables_.room.line;
    for (int k = 0; k < count; ++k, filter += tables_.options.angles, line += element_) {
      const auto psi = hn::LoadU(d_, filter);
      const Complex<D> product{hn::Mul(psi, hn::Set(d_, re[k])), hn::Mul(psi, hn::Set(d_, im[k]))};
      store_element(d_, begun ? add<D>(load_element(d_, line), product) : product, line);
    }
  }

  // Lanes of several planes: each lane picks its plane's sample and its angle's filter.
  HWY_INLINE HWY_ATTR void add_shared_product(int column, int row, int count, bool begun) {
    using Int = hn::TFromD<hn::RebindToSigned<D>>;
    HWY_ALIGN Int angle_of_lane[HWY_MAX_BYTES / sizeof(T)] = {};
    HWY_ALIGN T plane_of_lane[HWY_MAX_BYTES / sizeof(T)] = {};
    const int first_plane = group_.plane(0);
    for (int lane = 0; lane < static_cast<int>(lanes_); ++lane) {
      const int used = std::min(lane, group_.lanes - 1);  // lanes to spare repeat the last one
      angle_of_lane[lane] = static_cast<Int>(group_.angle(used) - group_.first_angle);
      plane_of_lane[lane] = static_cast<T>(group_.plane(used) - first_plane);
    }
    const auto angles = hn::SetTableIndices(d_, angle_of_lane);
    const auto planes = hn::Load(d_, plane_of_lane);
    const int others = group_.plane(group_.lanes - 1) - first_plane;

    const T* re = spectra_ + first_plane * tables_.spectrum_size() + column * tables_.spectrum_stride + row;
    const T* im = re + tables_.levels[0].width * tables_.spectrum_stride;
    const T* filter = filters(column, row);
    T* line = room_ + tables_.room.line;
    for (int k = 0; k < count; ++k, filter += tables_.options.angles, line += element_) {
      auto x_re = hn::Set(d_, re[k]);
      auto x_im = hn::Set(d_, im[k]);
      for (int other = 1; other <= others; ++other) {
        const auto mine = hn::Eq(planes, hn::Set(d_, static_cast<T>(other)));
        x_re = hn::IfThenElse(mine, hn::Set(d_, re[other * tables_.spectrum_size() + k]), x_re);
        x_im = hn::IfThenElse(mine, hn::Set(d_, im[other * tables_.spectrum_size() + k]), x_im);
      }
      const auto psi = hn::TableLookupLanes(hn::LoadU(d_, filter), angles);
      const Complex<D> product{hn::Mul(psi, x_re), hn::Mul(psi, x_im)};
      store_element(d_, begun ? add<D>(load_element(d_, line), product) : product, line);
    }
  }

  HWY_INLINE HWY_ATTR const T* filters(int column, int row) const {
    const std::size_t sample = static_cast<std::size_t>(column) * tables_.levels[0].height + row;
    return &tables_.first_filters[group_.scale][sample * tables_.options.angles + group_.first_angle];
  }

  // The inverse transform along rows, then modulus and low-pass. What leaves it is a sum for each output
  // sample; with keep_spectrum, the spectrum of the modulus too.
  HWY_INLINE HWY_ATTR void transform_rows(int level_index, bool keep_spectrum) {
    const auto& level = tables_.levels[level_index];
    const auto& room = tables_.room;
    const int output_height = tables_.geometry.rows.output;
    const int output_width = tables_.geometry.columns.output;
    T* modulus = room_ + room.modulus;
    T* averages = room_ + room.averages;
    T* sums = room_ + room.sums;
    std::fill(sums, sums + static_cast<std::size_t>(output_height) * output_width * lanes_, T{0});
    for (int y = 0; y < level.height; ++y) {
      transform(d_, level.along_rows, Elements<D>{room_ + room.plane + y * room.row_stride, element_},
                room_ + room.work, ModulusSink<D>{modulus});
      std::copy_n(modulus, level.horizontal.taps() * lanes_, modulus + level.width * lanes_);
      average_row(level.horizontal, modulus, averages);
      for (int out = 0; out < output_height; ++out) {
        int tap = y - level.vertical.first[out];
        if (tap < 0) tap += level.height;
        if (tap < level.vertical.taps()) add_row(level.vertical.weights[tap], averages, out);
      }
      if (keep_spectrum) keep_row(level, y, modulus);
    }
    if (keep_spectrum) finish_spectrum(level);
  }

  HWY_INLINE HWY_ATTR void average_row(const LowPass<T>& low_pass, const T* row, T* averages) {
    const int taps = low_pass.taps();
    const T* weights = low_pass.weights.data();
    for (int first : low_pass.first) {
      const T* at = row + first * lanes_;
      auto even = hn::Zero(d_);
      auto odd = hn::Zero(d_);
      int tap = 0;
      for (; tap + 1 < taps; tap += 2, at += 2 * lanes_) {
        even = hn::MulAdd(hn::Set(d_, weights[tap]), hn::Load(d_, at), even);
        odd = hn::MulAdd(hn::Set(d_, weights[tap + 1]), hn::Load(d_, at + lanes_), odd);
      }
      if (tap < taps) even = hn::MulAdd(hn::Set(d_, weights[tap]), hn::Load(d_, at), even);
      hn::Store(hn::Add(even, odd), d_, averages);
      averages += lanes_;
    }
  }

  HWY_INLINE HWY_ATTR void add_row(T weight, const T* averages, int out) {
    const int output_width = tables_.geometry.columns.output;
    T* sums = room_ + tables_.room.sums + static_cast<std::size_t>(out) * output_width * lanes_;
    const auto factor = hn::Set(d_, weight);
    for (std::size_t i = 0; i < output_width * lanes_; i += lanes_) {
      hn::Store(hn::MulAdd(factor, hn::Load(d_, averages + i), hn::Load(d_, sums + i)), d_, sums + i);
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
    const Elements<D> row{pair, element_};
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
      const Elements<D> column{room_ + tables_.room.half_spectrum + k * tables_.room.half_stride, element_};
      transform(d_, level.along_columns, column, room_ + tables_.room.work, column);
    }
  }

  HWY_ATTR void transform_second_order(int level) {
    const auto& options = tables_.options;
    const int angles = options.angles;
    const int scales = options.scales;
    // Maps before those of (scale, angle): each (j1, theta1) has L maps for each j2 above j1.
    const auto paths_below = [&](int scale) {
      return angles * angles * (scale * (scales - 1) - scale * (scale - 1) / 2);
    };
    const int of_each_angle = angles * (scales - 1 - group_.scale);
    for (int j2 = group_.scale + 1; j2 < scales; ++j2) {
      const int low_level = tables_.geometry.level(j2);
      for (int theta2 = 0; theta2 < angles; ++theta2) {
        const auto& filter = tables_.second_filter(level, j2, theta2);
        transform_columns(low_level,
                          [&](int column) HWY_ATTR { second_product(level, low_level, filter, column); });
        transform_rows(low_level, false);
        write_maps([&](int lane) {
          return 1 + scales * angles + paths_below(group_.scale) + group_.angle(lane) * of_each_angle +
                 (j2 - group_.scale - 1) * angles + theta2;
        });
      }
    }
  }

  // One column of |x * psi_1|^ psi_2^, folded from `level_index` to `low_index`.
  HWY_INLINE HWY_ATTR void second_product(int level_index, int low_index, const std::vector<T>& filter,
                                          int column) {
    const auto& level = tables_.levels[level_index];
    const auto& low = tables_.levels[low_index];
    const int blocks = 1 << (low_index - level_index);
    const T* half_spectrum = room_ + tables_.room.half_spectrum;
    bool begun = false;
    for (int a = 0; a < blocks; ++a) {
      const int x = column + a * low.width;
      const bool mirrored = x > level.width / 2;
      const T* spectrum = half_spectrum + (mirrored ? level.width - x : x) * tables_.room.half_stride;
      for (int b = 0; b < blocks; ++b) {
        T* line = room_ + tables_.room.line;
        for (int k = 0; k < low.height; ++k, line += element_) {
          const int y = k + b * low.height;
          const auto psi = hn::Set(d_, filter[static_cast<std::size_t>(x) * level.height + y]);
          const int from = mirrored && y != 0 ? level.height - y : y;
          const auto exchanged = load_element(d_, spectrum + from * element_);
          const auto im = mirrored ? hn::Neg(exchanged.re) : exchanged.re;
          const Complex<D> product{hn::Mul(psi, exchanged.im), hn::Mul(psi, im)};
          store_element(d_, begun ? add<D>(load_element(d_, line), product) : product, line);
        }
        begun = true;
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
