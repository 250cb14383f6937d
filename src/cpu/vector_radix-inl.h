// The inverse transform of a plane by a VectorRadixPlan, and its adjoint. Included once for each target, of
// which the one with vectors of 16 floats has it.

#if defined(SCATLIGHT_CPU_VECTOR_RADIX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_VECTOR_RADIX_INL_H_
#undef SCATLIGHT_CPU_VECTOR_RADIX_INL_H_
#else
#define SCATLIGHT_CPU_VECTOR_RADIX_INL_H_
#endif

#include <algorithm>
#include <span>
#include <type_traits>

#include "cpu/fft-inl.h"
#include "cpu/modulus-inl.h"
#include "cpu/prefetch.h"
#include "cpu/vector_radix.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class D, int BlockSize>
constexpr bool has_vector_radix() {
  return HWY_TARGET == HWY_AVX3 && BlockSize == VectorRadixPlan::radix && std::is_same_v<Real<D>, float>;
}

template <class D>
class VectorRadixTransform;

#if HWY_TARGET == HWY_AVX3

// Four vectors as a matrix of 4 x 4 quads, each of four values: transposed.
HWY_INLINE HWY_ATTR void transpose_four_quads(__m512& a, __m512& b, __m512& c, __m512& d) {
  const auto ab_low = _mm512_shuffle_f32x4(a, b, 0x44);
  const auto ab_high = _mm512_shuffle_f32x4(a, b, 0xEE);
  const auto cd_low = _mm512_shuffle_f32x4(c, d, 0x44);
  const auto cd_high = _mm512_shuffle_f32x4(c, d, 0xEE);
  a = _mm512_shuffle_f32x4(ab_low, cd_low, 0x88);
  b = _mm512_shuffle_f32x4(ab_low, cd_low, 0xDD);
  c = _mm512_shuffle_f32x4(ab_high, cd_high, 0x88);
  d = _mm512_shuffle_f32x4(ab_high, cd_high, 0xDD);
}

// In each quad of four vectors, a matrix of 4 x 4 values: transposed.
template <class D>
HWY_INLINE HWY_ATTR void transpose_four_in_quads(D d, hn::Vec<D>* x) {
  const auto even_low = hn::InterleaveLower(d, x[0], x[2]);
  const auto odd_low = hn::InterleaveLower(d, x[1], x[3]);
  const auto even_high = hn::InterleaveUpper(d, x[0], x[2]);
  const auto odd_high = hn::InterleaveUpper(d, x[1], x[3]);
  x[0] = hn::InterleaveLower(d, even_low, odd_low);
  x[1] = hn::InterleaveUpper(d, even_low, odd_low);
  x[2] = hn::InterleaveLower(d, even_high, odd_high);
  x[3] = hn::InterleaveUpper(d, even_high, odd_high);
}

// exp(2 pi i exponent(row, lane) / n) at [row][lane].
struct RootTable {
  alignas(64) float re[16][16];
  alignas(64) float im[16][16];

  template <class Exponent>
  constexpr RootTable(int n, const Exponent& exponent) : re(), im() {
    for (int row = 0; row < 16; ++row) {
      for (int lane = 0; lane < 16; ++lane) {
        const Root root = root_of_unity(exponent(row, lane), n);
        re[row][lane] = static_cast<float>(root.re);
        im[row][lane] = static_cast<float>(root.im);
      }
    }
  }
};
// n k + w i at [4 n + i][4 k + w]: within a butterfly.
inline constexpr RootTable butterfly_twiddles(16, [](int row, int lane) {
  return row / 4 * (lane / 4) + row % 4 * (lane % 4);
});
// n k at [n][k]: between the two DFTs of an axis of 16 x 16 samples.
inline constexpr RootTable axis_twiddles(256, [](int n, int k) { return n * k; });

template <class D>
class VectorRadixTransform {
  using T = float;
  using C = Complex<D>;
  using V = hn::Vec<D>;

 public:
  explicit VectorRadixTransform(const VectorRadixPlan& plan) : plan_(plan) {}

  // The first half: the q x p DFTs of the product of a spectrum and a filter, slice by slice.
  HWY_INLINE HWY_ATTR void first_half(const T* spectrum, const VectorRadixFilter<T>& filter, T* plane) const {
    for_rows([&](int b, auto q, auto is_even, auto is_opposite) SCATLIGHT_LAMBDA {
      const int stored = is_opposite ? radix - b : b;
      T* slice = plane + b * slice_stride();
      filter_columns<q, is_even, is_opposite>(rows(spectrum, stored), of(filter, b), b, slice);
      with_one_of(VectorRadixPlan::Factors{}, plan_.columns,
                  [&](auto columns) SCATLIGHT_LAMBDA { transform_rows<columns>(slice); });
    });
  }

  // The second half, of a block of 16 rows of the result: their moduli, a vector for each column.
  HWY_NOINLINE HWY_ATTR void moduli(const T* plane, int block, T* row, Prefetcher& prefetcher) const {
    const T* at = plane + block * row_stride();
    for (int butterfly = 0; butterfly < plan_.columns; ++butterfly, at += element) {
      prefetcher.step();
      second_half(at, butterfly, [&](auto, const std::int32_t* column, const C(*x)[4]) SCATLIGHT_LAMBDA {
        unroll<8>([&](auto at) SCATLIGHT_LAMBDA {
          constexpr int e = decltype(at)::value / 4;
          constexpr int j = decltype(at)::value % 4;
          hn::Store(modulus(d_, x[e][j]), d_, row + column[4 * j + e] * radix);
        });
      });
    }
  }

  // ---- its adjoint ----

  // Replaces what a block of rows u of the result is made of by the adjoint second half of g u / |u|, which
  // is a forward transform: of exchanged elements. `row` has g, a vector for each column.
  HWY_NOINLINE HWY_ATTR void differentiate(const T* row, T* plane, int block, Prefetcher& prefetcher) const {
    HWY_ALIGN T memory[half_butterfly];
    C kept[2][4];
    T* from = plane + block * row_stride();
    for (int butterfly = 0; butterfly < plan_.columns; ++butterfly, from += element) {
      prefetcher.step();
      second_half(from, butterfly, [&](auto i, const std::int32_t* column, C(*x)[4]) SCATLIGHT_LAMBDA {
        unroll<8>([&](auto at) SCATLIGHT_LAMBDA {
          constexpr int e = decltype(at)::value / 4;
          constexpr int j = decltype(at)::value % 4;
          x[e][j] = exchange(phase(d_, hn::Load(d_, row + column[4 * j + e] * radix), x[e][j]));
        });
        unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
          Dft<4>::run(d_, x[e]);
          transpose_in_quads(x[e]);
        });
        unroll<2>([&](auto e) SCATLIGHT_LAMBDA { Dft<4>::run(d_, x[e]); });
        if constexpr (decltype(i)::value == 0) {
          store_half(x, memory);
        } else {
          unroll<2>([&](auto e) SCATLIGHT_LAMBDA { std::copy_n(x[e], 4, kept[e]); });
        }
      });
      adjoint_of_first(memory, kept, from);
    }
  }

  // Adds the adjoint of first_half to the gradient of the spectrum and, unless they are empty, what the
  // wavelet gets to its sums, which stand as the values of a filter that is not mirrored. The plane is lost.
  HWY_INLINE HWY_ATTR void add_first_half(const T* spectrum, T* plane, const VectorRadixFilter<T>& filter,
                                          T* gradient, std::span<T> sums) const {
    for_rows([&](int b, auto q, auto is_even, auto is_opposite) SCATLIGHT_LAMBDA {
      T* slice = plane + b * slice_stride();
      with_one_of(VectorRadixPlan::Factors{}, plan_.columns,
                  [&](auto columns) SCATLIGHT_LAMBDA { transform_rows_back<columns>(slice); });
      const int stored = is_opposite ? radix - b : b;
      if (sums.empty()) {
        const auto none = [](int, int, C, OppositeVectors) SCATLIGHT_LAMBDA {};
        return add_filtered_columns<q, is_even, is_opposite>(slice, of(filter, b), b, rows(gradient, stored),
                                                             none);
      }
      const T* of_image = rows(spectrum, stored);
      T* to = sums.data() + b * butterflies() * radix;
      add_filtered_columns<q, is_even, is_opposite>(
          slice, of(filter, b), b, rows(gradient, stored),
          [&](int vector, int a, C z, OppositeVectors vectors) SCATLIGHT_LAMBDA {
            const auto x =
                load_spectrum<decltype(q)::value, decltype(is_even)::value, decltype(is_opposite)::value>(
                    of_image, vectors, a);
            add_vector(d_, hn::MulAdd(x.re, z.re, hn::Mul(x.im, z.im)),
                       to + (vector * plan_.rows + a) * radix);
          });
    });
  }

 private:
  static constexpr int radix = VectorRadixPlan::radix;
  static constexpr std::size_t element = 2 * radix;

  HWY_INLINE std::size_t butterflies() const { return plan_.butterflies(); }
  HWY_INLINE std::size_t row_stride() const { return plan_.row_size(); }
  HWY_INLINE std::size_t slice_stride() const { return plan_.slice_size(); }

  // A filter at the rows with r mod 16 = b.
  HWY_INLINE VectorRadixFilter<T> of(const VectorRadixFilter<T>& filter, int b) const {
    return {filter.values + b * butterflies() * radix, filter.mirrored};
  }

  // body(b, q, whether p is even, whether b is opposite) for all b = r mod 16: one that is stored and, right
  // after it, the opposite one, which is made of it.
  template <class Body>
  HWY_INLINE HWY_ATTR void for_rows(const Body& body) const {
    with_one_of(VectorRadixPlan::Factors{}, plan_.rows, [&](auto q) SCATLIGHT_LAMBDA {
      with_one_of(std::integer_sequence<int, 0, 1>{}, plan_.columns % 2,
                  [&](auto remainder) SCATLIGHT_LAMBDA {
                    constexpr std::bool_constant<decltype(remainder)::value == 0> is_even;
                    for (int b = 0; b < VectorRadixPlan::stored_rows; ++b) {
                      body(b, q, is_even, std::false_type());
                      if (b % (radix / 2) != 0) body(radix - b, q, is_even, std::true_type());
                    }
                  });
    });
  }

  // The rows of a spectrum with r mod 16 = b.
  template <class Value>
  HWY_INLINE Value* rows(Value* spectrum, int b) const {
    return spectrum + b * butterflies() * element;
  }

  // The vectors that have the columns -c of those columns c that vector c' has. Where p is even, that of lane
  // 0 is in another one than the others.
  struct OppositeVectors {
    int zero;
    int others;
  };
  template <bool IsEven>
  HWY_INLINE OppositeVectors opposite_of(int vector) const {
    const int zero = vector == 0 ? 0 : plan_.columns - vector;
    return {zero, IsEven ? plan_.columns - 1 - vector : zero};
  }
  // A vector of such columns, in lanes -c mod 16.
  template <bool IsEven>
  HWY_INLINE HWY_ATTR V opposite(const T* zero, const T* others) const {
    const auto of_others = hn::Load(d_, others);
    return opposite(IsEven ? hn::Load(d_, zero) : of_others, of_others);
  }
  HWY_INLINE HWY_ATTR V opposite(V zero, V others) const {
    alignas(64) static constexpr std::int32_t lanes[16] = {0,  31, 30, 29, 28, 27, 26, 25,
                                                           24, 23, 22, 21, 20, 19, 18, 17};
    return V{_mm512_permutex2var_ps(zero.raw, _mm512_load_si512(lanes), others.raw)};
  }
  // The place r' of row -r, if row r has place a and r mod 16 > 0.
  template <int R>
  static constexpr int opposite_row(int a) {
    if (!VectorRadixPlan::is_odd(R)) return R - 1 - a;
    return a == 0 ? 0 : R - a;
  }

  // body(psi), where psi(a) is the filter at vector c' of the row with place r' = a.
  template <bool IsEven, class Body>
  HWY_INLINE HWY_ATTR void with_filter(const VectorRadixFilter<T>& filter, int vector,
                                       const Body& body) const {
    const auto at = [&](int place) { return filter.values + place * plan_.rows * radix; };
    if (!filter.mirrored) {
      const T* values = at(vector);
      return body([&](int a) SCATLIGHT_LAMBDA { return hn::Load(d_, values + a * radix); });
    }
    const auto mirrored = opposite_of<IsEven>(vector);
    const T* zero = at(mirrored.zero);
    const T* others = at(mirrored.others);
    body([&](int a) SCATLIGHT_LAMBDA { return opposite<IsEven>(zero + a * radix, others + a * radix); });
  }

  // The twiddle factors of output k of rows b, and of columns, where an axis needs them.
  template <int R>
  HWY_INLINE HWY_ATTR C rotate_row(C x, int b, int k) const {
    if (VectorRadixPlan::is_odd(R) || k == 0) return x;
    return rotate(x, hn::Set(d_, axis_twiddles.re[b][k]), hn::Set(d_, axis_twiddles.im[b][k]));
  }
  template <int R>
  HWY_INLINE HWY_ATTR C rotate_columns(C x, int k) const {
    if (VectorRadixPlan::is_odd(R) || k == 0) return x;
    return rotate(x, hn::Load(d_, axis_twiddles.re[k]), hn::Load(d_, axis_twiddles.im[k]));
  }

  // `Opposite`: from the conjugates of rows -r, which stand in for those that are not stored.
  template <int R, bool IsEven, bool Opposite>
  HWY_NOINLINE HWY_ATTR void filter_columns(const T* spectrum, const VectorRadixFilter<T> filter, int b,
                                            T* slice) const {
    for (int vector = 0; vector < plan_.columns; ++vector) {
      const auto stored = Opposite ? opposite_of<IsEven>(vector) : OppositeVectors{vector, vector};
      T* to = slice + vector * element;
      with_filter<IsEven>(filter, vector, [&](const auto& psi) SCATLIGHT_LAMBDA {
        compiled_dft<R>(
            d_, nullptr,
            [&](int a) SCATLIGHT_LAMBDA {
              const auto factor = psi(a);
              return scale(factor, load_spectrum<R, IsEven, Opposite>(spectrum, stored, a));
            },
            [&](int k, C value)
                SCATLIGHT_LAMBDA { store_element(d_, rotate_row<R>(value, b, k), to + k * row_stride()); });
      });
    }
  }
  // The element with place r' = a of the vectors of a spectrum, or of its mirror image.
  template <int R, bool IsEven, bool Opposite>
  HWY_INLINE HWY_ATTR C load_spectrum(const T* spectrum, OppositeVectors stored, int a) const {
    const T* zero = spectrum + stored.zero * (R * element);
    const T* others = spectrum + stored.others * (R * element);
    if constexpr (!Opposite) return load_element(d_, others + a * element);
    const std::size_t row = opposite_row<R>(a) * element;
    return {opposite<IsEven>(zero + row, others + row),
            hn::Neg(opposite<IsEven>(zero + row + radix, others + row + radix))};
  }
  // Gives correlate(c', r', z, vectors) what psi^ gets there: the gradient z of its product with the vectors
  // of the spectrum.
  template <int R, bool IsEven, bool Opposite, class Correlate>
  HWY_NOINLINE HWY_ATTR void add_filtered_columns(const T* slice, const VectorRadixFilter<T> filter, int b,
                                                  T* gradient, const Correlate& correlate) const {
    for (int vector = 0; vector < plan_.columns; ++vector) {
      const T* from = slice + vector * element;
      const auto stored = Opposite ? opposite_of<IsEven>(vector) : OppositeVectors{vector, vector};
      T* zero = gradient + stored.zero * (R * element);
      T* others = gradient + stored.others * (R * element);
      with_filter<IsEven>(filter, vector, [&](const auto& psi) SCATLIGHT_LAMBDA {
        compiled_dft<R>(
            d_, nullptr,
            [&](int k)
                SCATLIGHT_LAMBDA { return rotate_row<R>(load_element(d_, from + k * row_stride()), b, k); },
            [&](int a, C exchanged) SCATLIGHT_LAMBDA {
              const auto factor = psi(a);
              const C z = exchange(exchanged);
              correlate(vector, a, z, stored);
              C value = scale(factor, z);
              if constexpr (!Opposite) return add_element(d_, value, others + a * element);
              value = {opposite(value.re, value.re), hn::Neg(opposite(value.im, value.im))};
              const std::size_t row = opposite_row<R>(a) * element;
              if constexpr (IsEven) {
                zero[row] += hn::GetLane(value.re);
                zero[row + radix] += hn::GetLane(value.im);
                const auto lane_zero = hn::FirstN(d_, 1);
                value = {hn::IfThenZeroElse(lane_zero, value.re), hn::IfThenZeroElse(lane_zero, value.im)};
              }
              add_element(d_, value, others + row);
            });
      });
    }
  }

  template <int R>
  HWY_NOINLINE HWY_ATTR void transform_rows(T* slice) const {
    for (T* row = slice; row != slice + plan_.rows * row_stride(); row += row_stride()) {
      compiled_dft<R>(
          d_, nullptr, [&](int c) SCATLIGHT_LAMBDA { return load_element(d_, row + c * element); },
          [&](int k, C value)
              SCATLIGHT_LAMBDA { store_element(d_, rotate_columns<R>(value, k), row + k * element); });
    }
  }
  template <int R>
  HWY_NOINLINE HWY_ATTR void transform_rows_back(T* slice) const {
    for (T* row = slice; row != slice + plan_.rows * row_stride(); row += row_stride()) {
      compiled_dft<R>(
          d_, nullptr,
          [&](int k) SCATLIGHT_LAMBDA { return rotate_columns<R>(load_element(d_, row + k * element), k); },
          [&](int c, C value) SCATLIGHT_LAMBDA { store_element(d_, value, row + c * element); });
    }
  }

  // A butterfly is the DFT of 16 x 16 samples, 16 elements (rows) of 16 lanes (columns), each axis in two
  // steps of four points:
  //
  //   element n + 4 q -> output row k + 4 m          sums over q, then over n
  //   lane 4 h + w    -> output column i + 4 j       sums over h, then over w
  //
  // Below, (a) [b][c] means: element a of four, whose lane 4 b + c is meant. The first steps, of n and n + 1:
  // (q) [h][w] becomes (k) [h][w], transposed (h) [k][w], and then (i) [k][w]. Two n at a time, as one would
  // wait for its own results.
  HWY_INLINE HWY_ATTR void begin_butterfly(const T* from, int n, C (*x)[4]) const {
    unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
      unroll<4>([&](auto q) SCATLIGHT_LAMBDA {
        x[e][q] = load_element(d_, from + (n + e + 4 * q) * slice_stride());
      });
      Dft<4>::run(d_, x[e]);
    });
    unroll<2>([&](auto e) SCATLIGHT_LAMBDA { transpose_quads(x[e]); });
    unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
      Dft<4>::run(d_, x[e]);
      rotate_by_twiddles(n + e, x[e]);
    });
  }
  // All of it: (i) [k][w] of the four n, as (n) [k][w] of the four i, becomes (m) [k][w], transposed (w)
  // [k][m], and then (j) [k][m]. take(i, columns, x) gets the outputs of i and i + 1: rows k + 4 m of
  // columns[4 j] and columns[4 j + 1]. Half of what is between the steps stays in registers.
  template <class Take>
  HWY_INLINE HWY_ATTR void second_half(const T* from, int butterfly, const Take& take) const {
    HWY_ALIGN T memory[half_butterfly];
    C x[2][4];
    begin_butterfly(from, 0, x);
    store_half(x, memory);
    C kept[2][4];
    begin_butterfly(from, 2, kept);
    unroll<2>([&](auto pair) SCATLIGHT_LAMBDA {
      const std::integral_constant<int, 2 * decltype(pair)::value> i;
      load_pair(i, memory, kept, x);
      unroll<2>([&](auto e) SCATLIGHT_LAMBDA { Dft<4>::run(d_, x[e]); });
      unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
        transpose_in_quads(x[e]);
        Dft<4>::run(d_, x[e]);
      });
      take(i, &plan_.column_of[butterfly * radix + i], x);
    });
  }
  // The adjoint of begin_butterfly for all n, from the two halves that store_half and `kept` have.
  HWY_INLINE HWY_ATTR void adjoint_of_first(const T* memory, const C (*kept)[4], T* to) const {
    unroll<2>([&](auto pair) SCATLIGHT_LAMBDA {
      const std::integral_constant<int, 2 * decltype(pair)::value> n;
      C x[2][4];
      load_pair(n, memory, kept, x);
      unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
        rotate_by_twiddles(n + e, x[e]);
        Dft<4>::run(d_, x[e]);
      });
      unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
        transpose_quads(x[e]);
        Dft<4>::run(d_, x[e]);
        unroll<4>([&](auto q) SCATLIGHT_LAMBDA {
          store_element(d_, x[e][q], to + (n + e + 4 * q) * slice_stride());
        });
      });
    });
  }

  // The 4 x 4 elements (l, k) of a butterfly are made l by l and needed k by k. Those of l = 0 and 1 go
  // through memory, those of l = 2 and 3 are `kept` in registers.
  static constexpr std::size_t half_butterfly = 8 * element;
  HWY_INLINE HWY_ATTR void store_half(const C (*x)[4], T* memory) const {
    unroll<2>([&](auto l) SCATLIGHT_LAMBDA {
      unroll<4>([&](auto k) SCATLIGHT_LAMBDA { store_element(d_, x[l][k], memory + (2 * k + l) * element); });
    });
  }
  template <class First>
  HWY_INLINE HWY_ATTR void load_pair(First first, const T* memory, const C (*kept)[4], C (*x)[4]) const {
    unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
      constexpr int k = First::value + decltype(e)::value;
      unroll<2>([&](auto l) SCATLIGHT_LAMBDA {
        x[e][l] = load_element(d_, memory + (2 * k + l) * element);
        x[e][l + 2] = kept[l][k];
      });
    });
  }

  HWY_INLINE HWY_ATTR void rotate_by_twiddles(int n, C* x) const {
    unroll<4>([&](auto i) SCATLIGHT_LAMBDA {
      x[i] = rotate(x[i], hn::Load(d_, butterfly_twiddles.re[4 * n + i]),
                    hn::Load(d_, butterfly_twiddles.im[4 * n + i]));
    });
  }

  static HWY_INLINE HWY_ATTR void transpose_quads(C* x) {
    transpose_four_quads(x[0].re.raw, x[1].re.raw, x[2].re.raw, x[3].re.raw);
    transpose_four_quads(x[0].im.raw, x[1].im.raw, x[2].im.raw, x[3].im.raw);
  }
  HWY_INLINE HWY_ATTR void transpose_in_quads(C* x) const {
    V re[4];
    V im[4];
    unroll<4>([&](auto i) SCATLIGHT_LAMBDA {
      re[i] = x[i].re;
      im[i] = x[i].im;
    });
    transpose_four_in_quads(d_, re);
    transpose_four_in_quads(d_, im);
    unroll<4>([&](auto i) SCATLIGHT_LAMBDA { x[i] = {re[i], im[i]}; });
  }

  const D d_ = {};
  const VectorRadixPlan& plan_;
};

#endif

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
