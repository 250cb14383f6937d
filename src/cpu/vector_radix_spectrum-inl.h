// Half spectra in the order of a VectorRadixPlan, and back. Included once for each target, of which the one
// with vectors of 16 floats has it.

#if defined(SCATLIGHT_CPU_VECTOR_RADIX_SPECTRUM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_VECTOR_RADIX_SPECTRUM_INL_H_
#undef SCATLIGHT_CPU_VECTOR_RADIX_SPECTRUM_INL_H_
#else
#define SCATLIGHT_CPU_VECTOR_RADIX_SPECTRUM_INL_H_
#endif

#include "cpu/half_spectrum-inl.h"
#include "cpu/vector_radix-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3

// Whether lanes have a bit in their number.
template <class D>
HWY_INLINE HWY_ATTR hn::Mask<D> lanes_with_bit(D d, int bit) {
  const hn::RebindToSigned<D> integers;
  return hn::RebindMask(d, hn::TestBit(hn::Iota(integers, 0), hn::Set(integers, bit)));
}

template <class D>
class VectorRadixSpectrum {
  using T = float;
  using V = hn::Vec<D>;
  static constexpr int radix = VectorRadixPlan::radix;
  static constexpr std::size_t element = 2 * radix;

 public:
  explicit VectorRadixSpectrum(const VectorRadixPlan& plan) : plan_(plan) {}

  // Stores a half spectrum in this order.
  HWY_NOINLINE HWY_ATTR void store(const HalfSpectrum<D, radix> half, T* spectrum) const {
    const auto up_to_middle =
        hn::FirstN(d_, half.width / 2 % radix + 1);  // in the block that the middle is in
    // In the order in which the spectrum is stored, as the caches may not have its memory.
    for (int b = 0; b < VectorRadixPlan::stored_rows; ++b) {
      for (int y = b; y < half.height; y += radix) {
        const auto before = [&](int block) SCATLIGHT_LAMBDA { return half.direct_at(d_, y, block * radix); };
        const auto after = [&](int block) SCATLIGHT_LAMBDA { return half.mirrored_at(d_, y, block * radix); };
        T* to = spectrum + plan_.element(y, 0) * element;
        store_row([&](int block) SCATLIGHT_LAMBDA { return before(block).re; },
                  [&](int block) SCATLIGHT_LAMBDA { return after(block).re; }, up_to_middle, to);
        store_row([&](int block) SCATLIGHT_LAMBDA { return before(block).im; },
                  [&](int block) SCATLIGHT_LAMBDA { return after(block).im; }, up_to_middle, to + radix);
      }
    }
  }

  // The adjoint: writes the sum of some gradients, which stand `offset` from the beginning of each. For each
  // row y that is stored and whose mirror image is not, writes both; where both are stored, writes all rows
  // of this y mod 16 before it adds to their mirror images.
  HWY_NOINLINE HWY_ATTR void unfold(const HalfGradient<D, radix> half, const T* const* gradients, int count,
                                    std::size_t offset) const {
    const int middle = half.width / 2 / radix;  // the block that it is in
    const auto up_to_middle = half.up_to_middle(d_, middle * radix);
    const auto rows = [&](int b, const auto& store) HWY_ATTR {
      for (int y = b; y < half.height; y += radix) {
        const std::size_t begin = offset + plan_.element(y, 0) * element;
        load_row(gradients, count, begin,
                 [&](int block, hn::Vec<D> x) SCATLIGHT_LAMBDA { store(half.re, y, block, x); });
        load_row(gradients, count, begin + radix,
                 [&](int block, hn::Vec<D> x) SCATLIGHT_LAMBDA { store(half.im, y, block, x); });
      }
    };
    const auto direct = [&](T* part, int y, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
      if (block > middle) return;
      if (block == middle) x = hn::IfThenElseZero(up_to_middle, x);
      hn::Store(x, d_, part + half.direct(y, block * radix));
    };
    // Of a block from the middle on.
    const auto mirrored = [&](T* part, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
      if (block == middle) x = hn::IfThenZeroElse(up_to_middle, x);
      x = hn::Reverse(d_, x);
      return part == half.im ? hn::Neg(x) : x;
    };
    for (int b = 0; b < VectorRadixPlan::stored_rows; ++b) {
      if (b % (radix / 2) != 0) {
        rows(b, [&](T* part, int y, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
          direct(part, y, block, x);
          if (block >= middle)
            hn::StoreU(mirrored(part, block, x), d_, part + half.mirrored(y, block * radix));
        });
        for (int y = b; y < half.height; y += radix) {
          for (T* part : {half.re, half.im}) part[half.direct(half.mirrored_row(y), 0)] = 0;
        }
      } else {
        rows(b, direct);
        rows(b, [&](T* part, int y, int block, hn::Vec<D> x) SCATLIGHT_LAMBDA {
          if (block >= middle)
            add_vector(d_, mirrored(part, block, x), part + half.mirrored(y, block * radix));
        });
      }
    }
  }

 private:
  // Stores a row as vectors of this order, from `to` on. Columns 16 b ... 16 b + 15 are
  // before(b) where they stand before the middle, and after(b) behind it; in the block of the middle, the
  // lanes up to it are those of before(b).
  template <class Before, class After>
  HWY_INLINE HWY_ATTR void store_row(const Before& before, const After& after, hn::Mask<D> up_to_middle,
                                     T* to) const {
    with_one_of(VectorRadixPlan::Factors{}, plan_.columns, [&](auto p) SCATLIGHT_LAMBDA {
      constexpr int columns = decltype(p)::value;
      V x[columns];
      unroll<columns>([&](auto b) SCATLIGHT_LAMBDA {
        constexpr int block = decltype(b)::value;
        V& to_block = x[VectorRadixPlan::is_odd(columns) ? radix * block % columns : block];
        if constexpr (block < columns / 2) {
          to_block = before(block);
        } else if constexpr (block > columns / 2) {
          to_block = after(block);
        } else {
          to_block = hn::IfThenElse(up_to_middle, before(block), after(block));
        }
      });
      // Lane l of what is vector c' now belongs to vector c' + l.
      if constexpr (VectorRadixPlan::is_odd(columns)) turn_lanes<columns, -1>(x);
      unroll<columns>([&](auto c) SCATLIGHT_LAMBDA { hn::Store(x[c], d_, to + c * vector_stride()); });
    });
  }
  // The other way round, as store(b, columns): the sum of a row of some spectra, from froms[i] + begin on.
  template <class Store>
  HWY_INLINE HWY_ATTR void load_row(const T* const* froms, int count, std::size_t begin,
                                    const Store& store) const {
    with_one_of(VectorRadixPlan::Factors{}, plan_.columns, [&](auto p) SCATLIGHT_LAMBDA {
      constexpr int columns = decltype(p)::value;
      V x[columns];
      unroll<columns>([&](auto c) SCATLIGHT_LAMBDA {
        const std::size_t at = begin + c * vector_stride();
        x[c] = hn::Load(d_, froms[0] + at);
        for (int i = 1; i < count; ++i) x[c] = hn::Add(x[c], hn::Load(d_, froms[i] + at));
      });
      if constexpr (VectorRadixPlan::is_odd(columns)) turn_lanes<columns, 1>(x);
      unroll<columns>([&](auto b) SCATLIGHT_LAMBDA {
        store(b, x[VectorRadixPlan::is_odd(columns) ? radix * b % columns : b]);
      });
    });
  }

  HWY_INLINE std::size_t vector_stride() const { return plan_.rows * element; }

  // Vector c' gets its lane l from vector c' + Direction l.
  template <int Columns, int Direction>
  HWY_INLINE HWY_ATTR void turn_lanes(V* x) const {
    unroll<4>([&](auto bit) SCATLIGHT_LAMBDA {
      constexpr int step = 1 << decltype(bit)::value;
      const auto mask = lanes_with_bit(d_, step);
      V turned[Columns];
      unroll<Columns>([&](auto c) SCATLIGHT_LAMBDA {
        turned[c] = hn::IfThenElse(mask, x[(c + Direction * step + 2 * Columns) % Columns], x[c]);
      });
      unroll<Columns>([&](auto c) SCATLIGHT_LAMBDA { x[c] = turned[c]; });
    });
  }

  const D d_ = {};
  const VectorRadixPlan& plan_;
};

#endif

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
