// The spectrum of a real plane, folded as wavelets need it. Included once for each instruction set.

#if defined(SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_
#undef SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_
#else
#define SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_
#endif

#include <algorithm>

#include "cpu/grid-inl.h"
#include "cpu/workspace-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

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

// Both of two sinks, the second of which takes elements as they were before their exchange.
template <class D>
struct TwoSinks {
  PlanarSink<D> planar;
  PlacedElements<D> placed;

  HWY_INLINE HWY_ATTR void store(D d, int position, int index, Complex<D> exchanged) const {
    planar.store(d, position, index, exchanged);
    placed.store(d, position, index, exchange<D>(exchanged));
  }
};

// Columns of two planes of reals, each with its own factor.
template <class D>
struct PlanarSource {
  const Real<D>* re;
  const Real<D>* im;
  std::ptrdiff_t stride;
  hn::Vec<D> factors;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int, int index) const {
    return {hn::Mul(factors, hn::LoadU(d, re + index * stride)),
            hn::Mul(factors, hn::LoadU(d, im + index * stride))};
  }
};

// Of the spectrum of a real plane, the columns up to the middle, as two planes of reals, re and im: the
// others are their mirror images. Offsets are those in both.
template <class D, int Side>
struct HalfPlane {
  static constexpr int lanes = hn::MaxLanes(D());
  static constexpr int column_step = lanes / Side;

  std::ptrdiff_t stride;
  int height;
  int width;

  // Columns [x, x + Side) before the middle, after it, or else across it.
  HWY_INLINE bool is_direct(int x) const { return x + Side - 1 <= width / 2; }
  HWY_INLINE bool is_mirrored(int x) const { return Side == 1 ? !is_direct(x) : x > width / 2; }
  // Of columns [x, x + Side), the lanes up to the middle.
  HWY_INLINE HWY_ATTR hn::Mask<D> up_to_middle(D d, int x) const {
    return hn::FirstN(d, std::clamp(width / 2 + 1 - x, 0, Side) * column_step);
  }
  HWY_INLINE int mirrored_row(int y) const { return y == 0 ? 0 : height - y; }
  HWY_INLINE std::ptrdiff_t direct(int y, int x) const { return y * stride + x * column_step; }
  // Of the last of columns [x, x + Side), which then stand turned around.
  HWY_INLINE std::ptrdiff_t mirrored(int y, int x) const {
    return mirrored_row(y) * stride + (width - x - (Side - 1)) * column_step;
  }
  // Of a column that is its own mirror image, a real plane has a real part only.
  HWY_INLINE bool is_own_mirror(int x) const { return x == 0 || 2 * x == width; }

  static HWY_INLINE HWY_ATTR hn::Vec<D> turned(D d, hn::Vec<D> columns) {
    if constexpr (Side == 1) return columns;
    return hn::Reverse(d, columns);
  }
};

template <class D, int Side>
struct HalfSpectrum : HalfPlane<D, Side> {
  using T = Real<D>;
  using Base = HalfPlane<D, Side>;
  using Base::lanes;

  const T* re;
  const T* im;

  HWY_INLINE HWY_ATTR Complex<D> direct_at(D d, int y, int x) const {
    const std::ptrdiff_t at = this->direct(y, x);
    return {hn::LoadU(d, re + at), hn::LoadU(d, im + at)};
  }
  // Columns beyond the width are anything.
  HWY_INLINE HWY_ATTR Complex<D> mirrored_at(D d, int y, int x) const {
    const std::ptrdiff_t at = this->mirrored(y, x);
    return {Base::turned(d, hn::LoadU(d, re + at)), hn::Neg(Base::turned(d, hn::LoadU(d, im + at)))};
  }
  HWY_INLINE HWY_ATTR Complex<D> middle_at(D d, int y, int x) const {
    HWY_ALIGN T parts[2][lanes] = {};
    for (int lane = 0; lane < std::min(lanes, this->width - x); ++lane)
      copy_sample(y, x + lane, &parts[0][lane], &parts[1][lane]);
    return {hn::Load(d, parts[0]), hn::Load(d, parts[1])};
  }
  HWY_INLINE void copy_sample(int y, int x, T* to_re, T* to_im) const {
    const bool direct = x <= this->width / 2;
    const std::ptrdiff_t at =
        direct ? y * this->stride + x : this->mirrored_row(y) * this->stride + (this->width - x);
    *to_re = re[at];
    *to_im = direct ? im[at] : -im[at];
  }
};

// The gradient of half a spectrum: what the columns after the middle get goes to those whose mirror images
// they are.
template <class D, int Side>
struct HalfGradient : HalfPlane<D, Side> {
  using T = Real<D>;
  using Base = HalfPlane<D, Side>;

  T* re;
  T* im;

  // Some lanes of columns [x, x + Side) of row y.
  HWY_INLINE HWY_ATTR void add(D d, int y, int x, hn::Mask<D> used, Complex<D> z) const {
    if (!this->is_mirrored(x)) {
      const auto direct = hn::And(used, this->up_to_middle(d, x));
      add_masked(d, this->direct(y, x), direct, z);
      if (this->is_direct(x)) return;
      used = hn::AndNot(direct, used);
    }
    const hn::Vec<D> turned_re = Base::turned(d, hn::IfThenElseZero(used, z.re));
    const hn::Vec<D> turned_im = Base::turned(d, hn::IfThenElseZero(used, z.im));
    const std::ptrdiff_t at = this->mirrored(y, x);
    hn::StoreU(hn::Add(hn::LoadU(d, re + at), turned_re), d, re + at);
    hn::StoreU(hn::Sub(hn::LoadU(d, im + at), turned_im), d, im + at);
  }

 private:
  HWY_INLINE HWY_ATTR void add_masked(D d, std::ptrdiff_t at, hn::Mask<D> used, Complex<D> z) const {
    hn::StoreU(hn::Add(hn::LoadU(d, re + at), hn::IfThenElseZero(used, z.re)), d, re + at);
    hn::StoreU(hn::Add(hn::LoadU(d, im + at), hn::IfThenElseZero(used, z.im)), d, im + at);
  }
};

// The spectrum of a real plane, rows first, and its adjoint: back from the gradient of the spectrum.
template <class D, int Side>
class RealSpectrum : Workspace<D, Side> {
  using T = Real<D>;
  using Base = Workspace<D, Side>;
  using Base::add_to;
  using Base::at;
  using Base::column_step;
  using Base::d_;
  using Base::element;
  using Base::fft;
  using Base::lanes;
  using Base::tables_;
  using typename Base::Room;

 public:
  using Base::Base;

  // Two blocks of real rows travel through one transform as its real and imaginary parts; what belongs to
  // which follows from the symmetry of real signals. Forward transforms are inverse ones of exchanged
  // elements.
  HWY_NOINLINE HWY_ATTR void keep_rows(const Level<T>& level, int y, const T* real) {
    T* pair = at(&Room::pair);
    const bool is_second = y / Side % 2 == 1;
    T* part = is_second ? pair : pair + lanes;
    // Lanes beyond the plane may hold anything, and would leak into the other block's by rounding.
    const auto used = hn::FirstN(d_, Side == 1 ? lanes : std::min(lanes, level.height - y));
    for (int x = 0; x < level.width; ++x) {
      hn::Store(hn::IfThenElseZero(used, hn::Load(d_, real + x * lanes)), d_, part + x * element);
    }
    const bool is_last = y + Side >= level.height;
    if (!is_second && !is_last) return;
    if (!is_second) {
      for (int x = 0; x < level.width; ++x) hn::Store(hn::Zero(d_), d_, pair + x * element);
    }
    const Elements<D> elements{pair};
    fft(level.along_rows, elements, elements);

    const auto one_half = hn::Set(d_, T{0.5});
    store_half_rows(level, is_second ? y - Side : y, [&](Complex<D> z, Complex<D> mirrored) SCATLIGHT_LAMBDA {
      return Complex<D>{hn::Mul(one_half, hn::Sub(z.re, mirrored.re)),
                        hn::Mul(one_half, hn::Add(z.im, mirrored.im))};
    });
    if (!is_second) return;
    store_half_rows(level, y, [&](Complex<D> z, Complex<D> mirrored) SCATLIGHT_LAMBDA {
      return Complex<D>{hn::Mul(one_half, hn::Sub(mirrored.im, z.im)),
                        hn::Mul(one_half, hn::Add(z.re, mirrored.re))};
    });
  }

  // Ends the transform of the rows kept: columns, then the order of the band's foldings.
  HWY_NOINLINE HWY_ATTR void fold(const Level<T>& level, const Band<T>& band, T* spectra) {
    T* re = at(&Room::spectrum) + tables_.room.spectrum_margin;
    T* im = re + level.height * level.spectrum_stride;
    const Folding& finest = band.foldings.front();
    // The last block first: column 0, which it has, stands where the block before it has another column.
    for (int block = level.columns.stored - 1; block >= 0; --block) {
      const int x = level.columns.first(block) * column_step;
      const StridedElements<D> source{at(&Room::half) + block * element, level.half_stride};
      const PlanarSink<D> planar{re + x, im + x, level.spectrum_stride};
      if (finest.parts() == 1 && !finest.grid) {
        fft(level.along_columns, source,
            TwoSinks<D>{planar, {spectra + block * finest.block_size(), level.spectrum_output.data()}});
      } else {
        fft(level.along_columns, source, planar);
      }
      if (Side == 1 || !level.columns.has_zero(block)) continue;
      for (std::size_t at = 0; at < level.height * level.spectrum_stride; at += level.spectrum_stride) {
        re[at] = re[at + x];
        im[at] = im[at + x];
      }
    }
    const HalfSpectrum<D, Side> half{half_plane(level), re, im};
    if constexpr (has_grid<D, Side>()) {
      if (finest.grid) to_grid(half, *finest.grid, spectra);
    }
    for (std::size_t i = 0; i < band.foldings.size(); ++i) {
      if (band.foldings[i].parts() > 1) fold_to(half, band.foldings[i], spectra + band.offsets[i]);
    }
  }

  // The gradient of a real plane at `level` from those of its folded spectra, whose sums stand `offset`
  // from the beginning of each of `gradients` and are added up: take(y, values) gets the block of rows from
  // y on, vectors of lanes `element` values apart.
  template <class Take>
  HWY_INLINE HWY_ATTR void real_plane(const Level<T>& level, const Band<T>& band, const T* const* gradients,
                                      std::size_t offset, const Take& take) {
    const HalfGradient<D, Side> gradient = unfold(level, band, gradients, offset);
    T* half = at(&Room::half);
    for (int block = 0; block < half_blocks(level); ++block) {
      // What goes to a column from its mirror image is added already: the real part has half of both.
      HWY_ALIGN T factors[lanes];
      for (int lane = 0; lane < lanes; ++lane)
        factors[lane] = gradient.is_own_mirror(block * Side + lane / column_step) ? T{1} : T{0.5};
      const int x = block * lanes;
      fft(level.along_columns,
          PlanarSource<D>{gradient.re + x, gradient.im + x, gradient.stride, hn::Load(d_, factors)},
          StridedElements<D>{half + block * element, level.half_stride});
    }
    // Two blocks of real rows travel as real and imaginary parts. Rows beyond the plane would leak into the
    // other block.
    for (int y = level.height; y % (2 * Side) != 0; ++y) {
      std::fill_n(half + y * level.half_stride, half_blocks(level) * element, T{0});
    }
    T* pair = at(&Room::pair);
    for (int y = 0; y < level.height; y += 2 * Side) {
      const auto column = [&](const T* line, int k) SCATLIGHT_LAMBDA {
        auto z = load_element(d_, line + k * element);
        if (gradient.is_own_mirror(k)) z.im = hn::Zero(d_);
        return z;
      };
      const T* line = load_half_rows(level, y);
      for (int k = 0; k <= level.width / 2; ++k) {
        const auto a = column(line, k);
        if (k != 0) store_element(d_, Complex<D>{a.re, hn::Neg(a.im)}, pair + (level.width - k) * element);
        store_element(d_, a, pair + k * element);
      }
      const bool is_pair = y + Side < level.height;
      if (is_pair) {
        line = load_half_rows(level, y + Side);
        for (int k = 0; k <= level.width / 2; ++k) {
          const auto b = column(line, k);
          T* at_k = pair + k * element;
          T* mirrored = pair + (level.width - k) * element;
          store_element(d_, add_i<D>(load_element(d_, at_k), b), at_k);
          if (gradient.is_own_mirror(k)) continue;
          const auto a = load_element(d_, mirrored);  // + i conj(b)
          store_element(d_, Complex<D>{hn::Add(a.re, b.im), hn::Add(a.im, b.re)}, mirrored);
        }
      }
      fft(level.along_rows, Elements<D>{pair}, Elements<D>{pair});
      take(y, pair);
      if (is_pair) take(y + Side, pair + lanes);
    }
  }

 private:
  // The columns that are stored of the spectrum of one block of the pair, from each element and its mirror
  // image: to lanes of columns in `half`; still exchanged.
  template <class Part>
  HWY_INLINE HWY_ATTR void store_half_rows(const Level<T>& level, int y, const Part& part) {
    const T* pair = at(&Room::pair);
    const std::size_t stride = level.half_stride;
    T* to = at(&Room::half) + y * stride;
    for (int block = 0; block < level.columns.stored; ++block, to += element) {
      T* line = Side == 1 ? to : at(&Room::line);
      for (int place = 0; place < level.columns.used(block); ++place) {
        const int k = level.columns.column(block, place);
        store_element(d_,
                      part(load_element(d_, pair + k * element),
                           load_element(d_, pair + (k == 0 ? 0 : level.width - k) * element)),
                      line + place * element);
      }
      if constexpr (Side == 1) continue;
      transpose(d_, line, element, to, stride);
      transpose(d_, line + lanes, element, to + lanes, stride);
    }
  }

  HWY_NOINLINE HWY_ATTR void to_grid(const HalfSpectrum<D, Side> half, const Grid& grid, T* spectrum) {
    const GridTransform<D> transform(grid);
    const auto up_to_middle =
        hn::FirstN(d_, half.width / 2 % Side + 1);  // in the block that the middle is in
    // In the order of the grid's memory, which the caches may not have.
    for (int b = 0; b < Grid::stored_rows; ++b) {
      for (int y = b; y < half.height; y += Grid::side) {
        const auto before = [&](int block) SCATLIGHT_LAMBDA { return half.direct_at(d_, y, block * Side); };
        const auto after = [&](int block) SCATLIGHT_LAMBDA { return half.mirrored_at(d_, y, block * Side); };
        T* to = spectrum + grid.element(y, 0) * element;
        transform.to_grid([&](int block) SCATLIGHT_LAMBDA { return before(block).re; },
                          [&](int block) SCATLIGHT_LAMBDA { return after(block).re; }, up_to_middle, to);
        transform.to_grid([&](int block) SCATLIGHT_LAMBDA { return before(block).im; },
                          [&](int block) SCATLIGHT_LAMBDA { return after(block).im; }, up_to_middle,
                          to + lanes);
      }
    }
  }

  HWY_NOINLINE HWY_ATTR void fold_to(const HalfSpectrum<D, Side> given_half, const Folding& folding, T* to) {
    const auto half = given_half;  // in registers
    const Folding::Piece* begin = folding.pieces.data();
    const Folding::Piece* end = begin + folding.pieces.size();
    // Row by row, as the spectrum stands; so do rows of several parts.
    for (int row = 0; row < folding.height; ++row, to += element) {
      for (const auto* piece = begin; piece < end; ++piece) {
        const int y = piece->row + row;
        const int x = piece->column;
        T* part = to + piece->begin;
        if (half.is_direct(x)) {
          store_element(d_, half.direct_at(d_, y, x), part);
        } else if (half.is_mirrored(x)) {
          store_element(d_, half.mirrored_at(d_, y, x), part);
        } else {
          store_element(d_, half.middle_at(d_, y, x), part);
        }
        if (Side > 1 && piece->lone >= 0) half.copy_sample(y, piece->lone, part, part + lanes);
      }
    }
  }

  static HWY_INLINE int half_blocks(const Level<T>& level) { return level.width / 2 / Side + 1; }

  static HWY_INLINE HalfPlane<D, Side> half_plane(const Level<T>& level) {
    return {static_cast<std::ptrdiff_t>(level.spectrum_stride), level.height, level.width};
  }

  // Adds the folded gradients up where their samples stand in half of the spectrum.
  HWY_NOINLINE HWY_ATTR HalfGradient<D, Side> unfold(const Level<T>& level, const Band<T>& band,
                                                     const T* const* gradients, std::size_t offset) {
    T* re = at(&Room::spectrum) + tables_.room.spectrum_margin;
    const HalfGradient<D, Side> half{half_plane(level), re, re + level.height * level.spectrum_stride};
    if (const auto& grid = band.foldings.front().grid) {
      if constexpr (has_grid<D, Side>()) {
        const auto sums = band.gradient_sums.front();
        store_grid(half, *grid, gradients + sums.first, sums.end - sums.first, offset + band.offsets.front());
      }
    } else {
      std::fill_n(at(&Room::spectrum), 2 * level.height * level.spectrum_stride, T{0});
    }
    for (std::size_t i = 0; i < band.foldings.size(); ++i) {
      const auto& folding = band.foldings[i];
      const auto sums = band.gradient_sums[i];
      for (const auto& piece : folding.pieces) {
        const bool has_lone = piece.lone >= 0;  // in the first lane, and added by itself
        const auto lone = hn::FirstN(d_, 1);
        auto used = hn::FirstN(d_, piece.used * column_step);
        if (has_lone) used = hn::AndNot(lone, used);
        std::size_t from = offset + band.offsets[i] + piece.begin;
        for (const int row : folding.rows) {
          auto z = load_element(d_, gradients[sums.first] + from);
          for (int g = sums.first + 1; g < sums.end; ++g)
            z = add<D>(z, load_element(d_, gradients[g] + from));
          half.add(d_, piece.row + row, piece.column, used, z);
          if (has_lone) half.add(d_, piece.row + row, piece.lone, lone, z);
          from += element;
        }
      }
    }
    return half;
  }

  // Of rows y whose mirror images are not stored, both; of others, all rows before their mirror images.
  HWY_NOINLINE HWY_ATTR void store_grid(const HalfGradient<D, Side> half, const Grid& grid,
                                        const T* const* gradients, int count, std::size_t offset) {
    const GridTransform<D> transform(grid);
    const int middle = half.width / 2 / Side;  // the block that it is in
    const auto up_to_middle = half.up_to_middle(d_, middle * Side);
    const auto rows = [&](int b, const auto& store) HWY_ATTR {
      for (int y = b; y < half.height; y += Grid::side) {
        const std::size_t begin = offset + grid.element(y, 0) * element;
        transform.from_grids(gradients, count, begin,
                             [&](int block, hn::Vec<D> x) SCATLIGHT_LAMBDA { store(half.re, y, block, x); });
        transform.from_grids(gradients, count, begin + lanes,
                             [&](int block, hn::Vec<D> x) SCATLIGHT_LAMBDA { store(half.im, y, block, x); });
      }
    };
    const auto direct = [&](T* part, int y, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
      if (block > middle) return;
      if (block == middle) x = hn::IfThenElseZero(up_to_middle, x);
      hn::Store(x, d_, part + half.direct(y, block * Side));
    };
    // Of a block from the middle on.
    const auto mirrored = [&](T* part, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
      if (block == middle) x = hn::IfThenZeroElse(up_to_middle, x);
      x = hn::Reverse(d_, x);
      return part == half.im ? hn::Neg(x) : x;
    };
    for (int b = 0; b < Grid::stored_rows; ++b) {
      if (b % (Grid::side / 2) != 0) {
        rows(b, [&](T* part, int y, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
          direct(part, y, block, x);
          if (block >= middle)
            hn::StoreU(mirrored(part, block, x), d_, part + half.mirrored(y, block * Side));
        });
        for (int y = b; y < half.height; y += Grid::side) {
          for (T* part : {half.re, half.im}) part[half.direct(half.mirrored_row(y), 0)] = 0;
        }
      } else {
        rows(b, direct);
        rows(b, [&](T* part, int y, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
          if (block >= middle) add_to(part + half.mirrored(y, block * Side), mirrored(part, block, x));
        });
      }
    }
  }

  // Rows [y, y + Side) of half a spectrum, with lanes for rows.
  HWY_INLINE HWY_ATTR const T* load_half_rows(const Level<T>& level, int y) {
    const std::size_t stride = level.half_stride;
    const T* from = at(&Room::half) + y * stride;
    if constexpr (Side == 1) return from;
    T* line = at(&Room::line);
    for (int block = 0; block < half_blocks(level); ++block) {
      transpose(d_, from, stride, line, element);
      transpose(d_, from + lanes, stride, line + lanes, element);
      from += element;
      line += lanes * element;
    }
    return at(&Room::line);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
