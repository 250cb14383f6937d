// The spectrum of a real plane, folded as wavelets need it. Included once for each target.

#if defined(SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_
#undef SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_
#else
#define SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_
#endif

#include <algorithm>

#include "cpu/vector_radix-inl.h"
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

// Where the half spectrum of a real plane stands: its columns up to the middle, as two planes of reals, re
// and im, with the same offsets. The other columns are mirror images.
template <class D, int BlockSize>
struct HalfPlane {
  static constexpr int lanes = hn::MaxLanes(D());
  static constexpr int column_step = lanes / BlockSize;

  std::ptrdiff_t stride;
  int height;
  int width;

  // Columns [x, x + BlockSize) before the middle, after it, or else across it.
  HWY_INLINE bool is_direct(int x) const { return x + BlockSize - 1 <= width / 2; }
  HWY_INLINE bool is_mirrored(int x) const {
    return lanes_are_planes<BlockSize> ? !is_direct(x) : x > width / 2;
  }
  // Of columns [x, x + BlockSize), the lanes up to the middle.
  HWY_INLINE HWY_ATTR hn::Mask<D> up_to_middle(D d, int x) const {
    return hn::FirstN(d, std::clamp(width / 2 + 1 - x, 0, BlockSize) * column_step);
  }
  HWY_INLINE int mirrored_row(int y) const { return y == 0 ? 0 : height - y; }
  HWY_INLINE std::ptrdiff_t direct(int y, int x) const { return y * stride + x * column_step; }
  // Where the mirror image of the last of columns [x, x + BlockSize) stands; those of the others follow it,
  // in reverse order.
  HWY_INLINE std::ptrdiff_t mirrored(int y, int x) const {
    return mirrored_row(y) * stride + (width - x - (BlockSize - 1)) * column_step;
  }
  // Whether a column is its own mirror image: after the transform of rows, a real plane has real numbers
  // there.
  HWY_INLINE bool is_own_mirror(int x) const { return x == 0 || 2 * x == width; }

  static HWY_INLINE HWY_ATTR hn::Vec<D> turned(D d, hn::Vec<D> columns) {
    if constexpr (lanes_are_planes<BlockSize>) return columns;
    return hn::Reverse(d, columns);
  }
};

template <class D, int BlockSize>
struct HalfSpectrum : HalfPlane<D, BlockSize> {
  using T = Real<D>;
  using Base = HalfPlane<D, BlockSize>;
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

// The gradient of a half spectrum: what the columns after the middle get goes to those whose mirror images
// they are.
template <class D, int BlockSize>
struct HalfGradient : HalfPlane<D, BlockSize> {
  using T = Real<D>;
  using Base = HalfPlane<D, BlockSize>;

  T* re;
  T* im;

  // Some lanes of columns [x, x + BlockSize) of row y.
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
template <class D, int BlockSize>
class RealSpectrum : Workspace<D, BlockSize> {
  using T = Real<D>;
  using Base = Workspace<D, BlockSize>;
  using Base::add_to;
  using Base::column_step;
  using Base::d_;
  using Base::element;
  using Base::fft;
  using Base::lanes;
  using Base::scratch_;

 public:
  using Base::Base;

  // Two blocks of real rows travel through one transform as its real and imaginary parts; what belongs to
  // which follows from the symmetry of real signals. Forward transforms are inverse ones of exchanged
  // elements.
  HWY_NOINLINE HWY_ATTR void keep_rows(const Level<T>& level, int y, const T* real) {
    T* pair = scratch_.pair;
    const bool is_second = y / BlockSize % 2 == 1;
    T* part = is_second ? pair : pair + lanes;
    // Lanes beyond the plane may hold anything, and would leak into the other block's by rounding.
    const auto used = hn::FirstN(d_, lanes_are_planes<BlockSize> ? lanes : std::min(lanes, level.height - y));
    for (int x = 0; x < level.width; ++x) {
      hn::Store(hn::IfThenElseZero(used, hn::Load(d_, real + x * lanes)), d_, part + x * element);
    }
    const bool is_last = y + BlockSize >= level.height;
    if (!is_second && !is_last) return;
    if (!is_second) {
      for (int x = 0; x < level.width; ++x) hn::Store(hn::Zero(d_), d_, pair + x * element);
    }
    const Elements<D> elements{pair};
    fft(level.along_rows, elements, elements);

    const auto one_half = hn::Set(d_, T{0.5});
    store_half_rows(level, is_second ? y - BlockSize : y,
                    [&](Complex<D> z, Complex<D> mirrored) SCATLIGHT_LAMBDA {
                      return Complex<D>{hn::Mul(one_half, hn::Sub(z.re, mirrored.re)),
                                        hn::Mul(one_half, hn::Add(z.im, mirrored.im))};
                    });
    if (!is_second) return;
    store_half_rows(level, y, [&](Complex<D> z, Complex<D> mirrored) SCATLIGHT_LAMBDA {
      return Complex<D>{hn::Mul(one_half, hn::Sub(mirrored.im, z.im)),
                        hn::Mul(one_half, hn::Add(z.re, mirrored.re))};
    });
  }

  // Ends the transform of the rows that were kept: transforms the columns and stores the spectrum as the
  // band's foldings have it.
  HWY_NOINLINE HWY_ATTR void fold(const Level<T>& level, const Band<T>& band, T* spectra) {
    T* re = scratch_.spectrum + lanes;
    T* im = re + level.height * level.spectrum_stride;
    const Folding& finest = band.foldings.front();
    // The last block first: column 0, which it has, stands where the block before it has another column.
    for (int block = level.columns.stored - 1; block >= 0; --block) {
      const int x = level.columns.first(block) * column_step;
      const StridedElements<D> source{scratch_.half + block * element, level.half_stride};
      const PlanarSink<D> planar{re + x, im + x, level.spectrum_stride};
      if (finest.aliases() == 1 && !band.vector_radix) {
        fft(level.along_columns, source,
            TwoSinks<D>{planar, {spectra + block * finest.block_stride(), level.spectrum_output.data()}});
      } else {
        fft(level.along_columns, source, planar);
      }
      if (lanes_are_planes<BlockSize> || !level.columns.has_zero(block)) continue;
      for (std::size_t at = 0; at < level.height * level.spectrum_stride; at += level.spectrum_stride) {
        re[at] = re[at + x];
        im[at] = im[at + x];
      }
    }
    const HalfSpectrum<D, BlockSize> half{half_plane(level), re, im};
    if constexpr (has_vector_radix<D, BlockSize>()) {
      if (band.vector_radix) to_vector_radix(half, *band.vector_radix, spectra);
    }
    for (std::size_t i = 0; i < band.foldings.size(); ++i) {
      if (band.foldings[i].aliases() > 1) fold_to(half, band.foldings[i], spectra + band.offsets[i]);
    }
  }

  // The adjoint of both: the gradient of a real plane at `level` from those of its folded spectra, which
  // stand `offset` from the beginning of each of `gradients` and are added up. take(y, values) gets the block
  // of rows from y on, vectors `element` values apart.
  template <class Take>
  HWY_INLINE HWY_ATTR void real_plane(const Level<T>& level, const Band<T>& band, const T* const* gradients,
                                      std::size_t offset, const Take& take) {
    const HalfGradient<D, BlockSize> gradient = unfold(level, band, gradients, offset);
    T* half = scratch_.half;
    for (int block = 0; block < half_blocks(level); ++block) {
      // What goes to a column from its mirror image is added already: the real part has half of both.
      HWY_ALIGN T factors[lanes];
      for (int lane = 0; lane < lanes; ++lane)
        factors[lane] = gradient.is_own_mirror(block * BlockSize + lane / column_step) ? T{1} : T{0.5};
      const int x = block * lanes;
      fft(level.along_columns,
          PlanarSource<D>{gradient.re + x, gradient.im + x, gradient.stride, hn::Load(d_, factors)},
          StridedElements<D>{half + block * element, level.half_stride});
    }
    // Two blocks of real rows travel as real and imaginary parts. Rows beyond the plane would leak into the
    // other block.
    for (int y = level.height; y % (2 * BlockSize) != 0; ++y) {
      std::fill_n(half + y * level.half_stride, half_blocks(level) * element, T{0});
    }
    T* pair = scratch_.pair;
    for (int y = 0; y < level.height; y += 2 * BlockSize) {
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
      const bool is_pair = y + BlockSize < level.height;
      if (is_pair) {
        line = load_half_rows(level, y + BlockSize);
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
      if (is_pair) take(y + BlockSize, pair + lanes);
    }
  }

 private:
  // Stores the half spectrum of one block of the pair, still exchanged, with lanes for columns. separate(z,
  // mirrored) makes it of each element and its mirror image.
  template <class Separate>
  HWY_INLINE HWY_ATTR void store_half_rows(const Level<T>& level, int y, const Separate& separate) {
    const T* pair = scratch_.pair;
    const std::size_t stride = level.half_stride;
    T* to = scratch_.half + y * stride;
    for (int block = 0; block < level.columns.stored; ++block, to += element) {
      T* line = lanes_are_planes<BlockSize> ? to : scratch_.line;
      for (int place = 0; place < level.columns.used(block); ++place) {
        const int k = level.columns.column(block, place);
        store_element(d_,
                      separate(load_element(d_, pair + k * element),
                               load_element(d_, pair + (k == 0 ? 0 : level.width - k) * element)),
                      line + place * element);
      }
      if constexpr (lanes_are_planes<BlockSize>) continue;
      transpose(d_, line, element, to, stride);
      transpose(d_, line + lanes, element, to + lanes, stride);
    }
  }

  HWY_NOINLINE HWY_ATTR void to_vector_radix(const HalfSpectrum<D, BlockSize> half,
                                             const VectorRadixPlan& vector_radix, T* spectrum) {
    const VectorRadixTransform<D> transform(vector_radix);
    const auto up_to_middle =
        hn::FirstN(d_, half.width / 2 % BlockSize + 1);  // in the block that the middle is in
    // In the order in which the spectrum is stored, as the caches may not have its memory.
    for (int b = 0; b < VectorRadixPlan::stored_rows; ++b) {
      for (int y = b; y < half.height; y += VectorRadixPlan::radix) {
        const auto before = [&](int block)
                                SCATLIGHT_LAMBDA { return half.direct_at(d_, y, block * BlockSize); };
        const auto after = [&](int block)
                               SCATLIGHT_LAMBDA { return half.mirrored_at(d_, y, block * BlockSize); };
        T* to = spectrum + vector_radix.element(y, 0) * element;
        transform.to_vector_radix([&](int block) SCATLIGHT_LAMBDA { return before(block).re; },
                                  [&](int block) SCATLIGHT_LAMBDA { return after(block).re; }, up_to_middle,
                                  to);
        transform.to_vector_radix([&](int block) SCATLIGHT_LAMBDA { return before(block).im; },
                                  [&](int block) SCATLIGHT_LAMBDA { return after(block).im; }, up_to_middle,
                                  to + lanes);
      }
    }
  }

  HWY_NOINLINE HWY_ATTR void fold_to(const HalfSpectrum<D, BlockSize> given_half, const Folding& folding,
                                     T* to) {
    const auto half = given_half;  // in registers
    const Folding::AliasBlock* begin = folding.alias_blocks.data();
    const Folding::AliasBlock* end = begin + folding.alias_blocks.size();
    // Row by row, as the half spectrum stands.
    for (int row = 0; row < folding.height; ++row, to += element) {
      for (const auto* block = begin; block < end; ++block) {
        const int y = block->row + row;
        const int x = block->column;
        T* at = to + block->begin;
        if (half.is_direct(x)) {
          store_element(d_, half.direct_at(d_, y, x), at);
        } else if (half.is_mirrored(x)) {
          store_element(d_, half.mirrored_at(d_, y, x), at);
        } else {
          store_element(d_, half.middle_at(d_, y, x), at);
        }
        if (!lanes_are_planes<BlockSize> && block->lone >= 0)
          half.copy_sample(y, block->lone, at, at + lanes);
      }
    }
  }

  static HWY_INLINE int half_blocks(const Level<T>& level) { return level.width / 2 / BlockSize + 1; }

  static HWY_INLINE HalfPlane<D, BlockSize> half_plane(const Level<T>& level) {
    return {static_cast<std::ptrdiff_t>(level.spectrum_stride), level.height, level.width};
  }

  // The adjoint of folding: adds the folded gradients up where their samples stand in the half spectrum.
  HWY_NOINLINE HWY_ATTR HalfGradient<D, BlockSize> unfold(const Level<T>& level, const Band<T>& band,
                                                          const T* const* gradients, std::size_t offset) {
    T* re = scratch_.spectrum + lanes;
    const HalfGradient<D, BlockSize> half{half_plane(level), re, re + level.height * level.spectrum_stride};
    if (const auto& vector_radix = band.vector_radix) {
      if constexpr (has_vector_radix<D, BlockSize>()) {
        const auto sums = band.gradient_sums.front();
        unfold_vector_radix(half, *vector_radix, gradients + sums.first, sums.end - sums.first,
                            offset + band.offsets.front());
      }
    } else {
      std::fill_n(scratch_.spectrum, 2 * level.height * level.spectrum_stride, T{0});
    }
    for (std::size_t i = 0; i < band.foldings.size(); ++i) {
      const auto& folding = band.foldings[i];
      const auto sums = band.gradient_sums[i];
      for (const auto& block : folding.alias_blocks) {
        const bool has_lone = block.lone >= 0;  // in the first lane, and added by itself
        const auto lone = hn::FirstN(d_, 1);
        auto used = hn::FirstN(d_, block.used * column_step);
        if (has_lone) used = hn::AndNot(lone, used);
        std::size_t from = offset + band.offsets[i] + block.begin;
        for (const int row : folding.rows) {
          auto z = load_element(d_, gradients[sums.first] + from);
          for (int g = sums.first + 1; g < sums.end; ++g)
            z = add<D>(z, load_element(d_, gradients[g] + from));
          half.add(d_, block.row + row, block.column, used, z);
          if (has_lone) half.add(d_, block.row + row, block.lone, lone, z);
          from += element;
        }
      }
    }
    return half;
  }

  // The same by a vector-radix plan. For each row y that is stored and whose mirror image is not, writes
  // both; where both are stored, writes all rows of this y mod 16 before it adds to their mirror images.
  HWY_NOINLINE HWY_ATTR void unfold_vector_radix(const HalfGradient<D, BlockSize> half,
                                                 const VectorRadixPlan& vector_radix,
                                                 const T* const* gradients, int count, std::size_t offset) {
    const VectorRadixTransform<D> transform(vector_radix);
    const int middle = half.width / 2 / BlockSize;  // the block that it is in
    const auto up_to_middle = half.up_to_middle(d_, middle * BlockSize);
    const auto rows = [&](int b, const auto& store) HWY_ATTR {
      for (int y = b; y < half.height; y += VectorRadixPlan::radix) {
        const std::size_t begin = offset + vector_radix.element(y, 0) * element;
        transform.from_vector_radix(gradients, count, begin, [&](int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
          store(half.re, y, block, x);
        });
        transform.from_vector_radix(gradients, count, begin + lanes,
                                    [&](int block, hn::Vec<D> x)
                                        SCATLIGHT_LAMBDA { store(half.im, y, block, x); });
      }
    };
    const auto direct = [&](T* part, int y, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
      if (block > middle) return;
      if (block == middle) x = hn::IfThenElseZero(up_to_middle, x);
      hn::Store(x, d_, part + half.direct(y, block * BlockSize));
    };
    // Of a block from the middle on.
    const auto mirrored = [&](T* part, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
      if (block == middle) x = hn::IfThenZeroElse(up_to_middle, x);
      x = hn::Reverse(d_, x);
      return part == half.im ? hn::Neg(x) : x;
    };
    for (int b = 0; b < VectorRadixPlan::stored_rows; ++b) {
      if (b % (VectorRadixPlan::radix / 2) != 0) {
        rows(b, [&](T* part, int y, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
          direct(part, y, block, x);
          if (block >= middle)
            hn::StoreU(mirrored(part, block, x), d_, part + half.mirrored(y, block * BlockSize));
        });
        for (int y = b; y < half.height; y += VectorRadixPlan::radix) {
          for (T* part : {half.re, half.im}) part[half.direct(half.mirrored_row(y), 0)] = 0;
        }
      } else {
        rows(b, direct);
        rows(b, [&](T* part, int y, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
          if (block >= middle) add_to(part + half.mirrored(y, block * BlockSize), mirrored(part, block, x));
        });
      }
    }
  }

  // Rows [y, y + BlockSize) of Scratch::half, with lanes for rows.
  HWY_INLINE HWY_ATTR const T* load_half_rows(const Level<T>& level, int y) {
    const std::size_t stride = level.half_stride;
    const T* from = scratch_.half + y * stride;
    if constexpr (lanes_are_planes<BlockSize>) return from;
    T* line = scratch_.line;
    for (int block = 0; block < half_blocks(level); ++block) {
      transpose(d_, from, stride, line, element);
      transpose(d_, from + lanes, stride, line + lanes, element);
      from += element;
      line += lanes * element;
    }
    return scratch_.line;
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
