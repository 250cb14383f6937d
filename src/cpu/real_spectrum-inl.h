// The spectrum of a real plane, folded as wavelets need it. Included once for each target.

#if defined(SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_
#undef SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_
#else
#define SCATLIGHT_CPU_REAL_SPECTRUM_INL_H_
#endif

#include <algorithm>

#include "cpu/half_spectrum-inl.h"
#include "cpu/transpose-inl.h"
#include "cpu/vector_radix_spectrum-inl.h"
#include "cpu/workspace-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// Two planes of reals.
template <class D>
struct PlanarSink {
  Real<D>* re;
  Real<D>* im;
  std::size_t stride;

  HWY_INLINE HWY_ATTR void store(D d, int, int index, Complex<D> value) const {
    hn::StoreU(value.re, d, re + index * stride);
    hn::StoreU(value.im, d, im + index * stride);
  }
};

// Both of two sinks.
template <class D>
struct TwoSinks {
  PlanarSink<D> planar;
  PlacedElements<D> placed;

  HWY_INLINE HWY_ATTR void store(D d, int position, int index, Complex<D> value) const {
    planar.store(d, position, index, value);
    placed.store(d, position, index, value);
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

// The spectrum of a real plane, rows first, and its adjoint: back from the gradient of the spectrum.
template <class D, int BlockSize>
class RealSpectrum {
  using W = Workspace<D, BlockSize>;
  using T = Real<D>;
  static constexpr int lanes = W::lanes;
  static constexpr std::size_t element = W::element;
  static constexpr int column_step = W::column_step;

 public:
  explicit RealSpectrum(const W& workspace) : workspace_(workspace), scratch_(workspace.scratch) {}

  // Two blocks of real rows travel through one transform as its real and imaginary parts; what belongs to
  // which follows from the symmetry of real signals.
  HWY_NOINLINE HWY_ATTR void keep_rows(const Level<T>& level, int y, const T* real) const {
    T* pair = scratch_.pair;
    const bool is_second = y / BlockSize % 2 == 1;
    T* part = is_second ? pair + lanes : pair;
    // Lanes beyond the plane may hold anything, and would leak into the other block's by rounding.
    const auto used = hn::FirstN(d_, lanes_are_planes<BlockSize> ? lanes : std::min(lanes, level.height - y));
    for (int x = 0; x < level.width; ++x) {
      hn::Store(hn::IfThenElseZero(used, hn::Load(d_, real + x * lanes)), d_, part + x * element);
    }
    const bool is_last = y + BlockSize >= level.height;
    if (!is_second && !is_last) return;
    if (!is_second) {
      for (int x = 0; x < level.width; ++x) hn::Store(hn::Zero(d_), d_, pair + lanes + x * element);
    }
    const Elements<D> elements{pair};
    workspace_.forward_fft(level.along_rows, elements, elements);

    const auto one_half = hn::Set(d_, T{0.5});
    store_half_rows(level, is_second ? y - BlockSize : y,
                    [&](Complex<D> z, Complex<D> mirrored)
                        SCATLIGHT_LAMBDA { return scale(one_half, z + conj(mirrored)); });
    if (!is_second) return;
    store_half_rows(level, y, [&](Complex<D> z, Complex<D> mirrored) SCATLIGHT_LAMBDA {
      return scale(one_half, Complex<D>{hn::Add(z.im, mirrored.im), hn::Sub(mirrored.re, z.re)});
    });
  }

  // Ends the transform of the rows that were kept: transforms the columns and stores the spectrum as the
  // band's foldings have it.
  HWY_NOINLINE HWY_ATTR void fold(const Level<T>& level, const Band<T>& band, T* spectra) const {
    T* re = scratch_.spectrum + lanes;
    T* im = re + level.height * level.spectrum_stride;
    const Folding& finest = band.foldings.front();
    // The last block first: column 0, which it has, stands where the block before it has another column.
    for (int block = level.columns.stored - 1; block >= 0; --block) {
      const int x = level.columns.first(block) * column_step;
      const StridedElements<D> source{scratch_.half + block * element, level.half_stride};
      const PlanarSink<D> planar{re + x, im + x, level.spectrum_stride};
      if (finest.aliases() == 1 && !band.vector_radix) {
        workspace_.forward_fft(
            level.along_columns, source,
            TwoSinks<D>{planar, {spectra + block * finest.block_stride(), level.spectrum_output.data()}});
      } else {
        workspace_.forward_fft(level.along_columns, source, planar);
      }
      if (lanes_are_planes<BlockSize> || !level.columns.has_zero(block)) continue;
      for (std::size_t at = 0; at < level.height * level.spectrum_stride; at += level.spectrum_stride) {
        re[at] = re[at + x];
        im[at] = im[at + x];
      }
    }
    const HalfSpectrum<D, BlockSize> half{half_plane(level), re, im};
    if constexpr (has_vector_radix<D, BlockSize>()) {
      if (band.vector_radix) VectorRadixSpectrum<D>(*band.vector_radix).store(half, spectra);
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
                                      std::size_t offset, const Take& take) const {
    const HalfGradient<D, BlockSize> gradient = unfold(level, band, gradients, offset);
    T* half = scratch_.half;
    for (int block = 0; block < half_blocks(level); ++block) {
      // What goes to a column from its mirror image is added already: the real part has half of both.
      HWY_ALIGN T factors[lanes];
      for (int lane = 0; lane < lanes; ++lane)
        factors[lane] = gradient.is_own_mirror(block * BlockSize + lane / column_step) ? T{1} : T{0.5};
      const int x = block * lanes;
      workspace_.inverse_fft(
          level.along_columns,
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
        if (k != 0) store_element(d_, conj(a), pair + (level.width - k) * element);
        store_element(d_, a, pair + k * element);
      }
      const bool is_pair = y + BlockSize < level.height;
      if (is_pair) {
        line = load_half_rows(level, y + BlockSize);
        for (int k = 0; k <= level.width / 2; ++k) {
          const auto b = column(line, k);
          T* at_k = pair + k * element;
          T* mirrored = pair + (level.width - k) * element;
          store_element(d_, add_i(load_element(d_, at_k), b), at_k);
          if (gradient.is_own_mirror(k)) continue;
          store_element(d_, add_i(load_element(d_, mirrored), conj(b)), mirrored);
        }
      }
      workspace_.inverse_fft(level.along_rows, Elements<D>{pair}, Elements<D>{pair});
      take(y, pair);
      if (is_pair) take(y + BlockSize, pair + lanes);
    }
  }

 private:
  // Stores the half spectrum of one block of the pair with lanes for columns. separate(z,
  // mirrored) makes it of each element and its mirror image.
  template <class Separate>
  HWY_INLINE HWY_ATTR void store_half_rows(const Level<T>& level, int y, const Separate& separate) const {
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

  HWY_NOINLINE HWY_ATTR void fold_to(const HalfSpectrum<D, BlockSize> given_half, const Folding& folding,
                                     T* to) const {
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
                                                          const T* const* gradients,
                                                          std::size_t offset) const {
    T* re = scratch_.spectrum + lanes;
    const HalfGradient<D, BlockSize> half{half_plane(level), re, re + level.height * level.spectrum_stride};
    if (const auto& vector_radix = band.vector_radix) {
      if constexpr (has_vector_radix<D, BlockSize>()) {
        const auto sums = band.gradient_sums.front();
        VectorRadixSpectrum<D>(*vector_radix)
            .unfold(half, gradients + sums.first, sums.end - sums.first, offset + band.offsets.front());
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
          for (int g = sums.first + 1; g < sums.end; ++g) z = z + load_element(d_, gradients[g] + from);
          half.add(d_, block.row + row, block.column, used, z);
          if (has_lone) half.add(d_, block.row + row, block.lone, lone, z);
          from += element;
        }
      }
    }
    return half;
  }

  // Rows [y, y + BlockSize) of Scratch::half, with lanes for rows.
  HWY_INLINE HWY_ATTR const T* load_half_rows(const Level<T>& level, int y) const {
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

  const D d_ = {};
  const W& workspace_;
  const Scratch<T>& scratch_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
