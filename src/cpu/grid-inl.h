// The transform of a Grid and its adjoint. Included once for each instruction set, of which those with
// vectors of 16 floats have it.

#if defined(SCATLIGHT_CPU_GRID_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_GRID_INL_H_
#undef SCATLIGHT_CPU_GRID_INL_H_
#else
#define SCATLIGHT_CPU_GRID_INL_H_
#endif

#include <algorithm>
#include <type_traits>

#include "cpu/fft-inl.h"
#include "cpu/grid.h"
#include "cpu/modulus-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class D, int Side>
constexpr bool has_grid() {
  return HWY_TARGET == HWY_AVX3 && Side == Grid::side && std::is_same_v<Real<D>, float>;
}

template <class D>
class GridTransform;

#if HWY_TARGET == HWY_AVX3

// Four vectors as a matrix of 4 x 4 blocks of four values: transposed.
HWY_INLINE HWY_ATTR void transpose_four_blocks(__m512& a, __m512& b, __m512& c, __m512& d) {
  const auto ab_low = _mm512_shuffle_f32x4(a, b, 0x44);
  const auto ab_high = _mm512_shuffle_f32x4(a, b, 0xEE);
  const auto cd_low = _mm512_shuffle_f32x4(c, d, 0x44);
  const auto cd_high = _mm512_shuffle_f32x4(c, d, 0xEE);
  a = _mm512_shuffle_f32x4(ab_low, cd_low, 0x88);
  b = _mm512_shuffle_f32x4(ab_low, cd_low, 0xDD);
  c = _mm512_shuffle_f32x4(ab_high, cd_high, 0x88);
  d = _mm512_shuffle_f32x4(ab_high, cd_high, 0xDD);
}

// In each block of four values of four vectors, a matrix of 4 x 4 values: transposed.
template <class D>
HWY_INLINE HWY_ATTR void transpose_four_in_blocks(D d, hn::Vec<D>* x) {
  const auto even_low = hn::InterleaveLower(d, x[0], x[2]);
  const auto odd_low = hn::InterleaveLower(d, x[1], x[3]);
  const auto even_high = hn::InterleaveUpper(d, x[0], x[2]);
  const auto odd_high = hn::InterleaveUpper(d, x[1], x[3]);
  x[0] = hn::InterleaveLower(d, even_low, odd_low);
  x[1] = hn::InterleaveUpper(d, even_low, odd_low);
  x[2] = hn::InterleaveLower(d, even_high, odd_high);
  x[3] = hn::InterleaveUpper(d, even_high, odd_high);
}

// exp(2 pi i (n k + w m) / 16) at [4 n + m][4 k + w].
struct GridTwiddles {
  alignas(64) float re[16][16];
  alignas(64) float im[16][16];

  constexpr GridTwiddles() : re(), im() {
    for (int i = 0; i < 16; ++i) {
      for (int lane = 0; lane < 16; ++lane) {
        const Root root = root_of_unity(i / 4 * (lane / 4) + i % 4 * (lane % 4), 16);
        re[i][lane] = static_cast<float>(root.re);
        im[i][lane] = static_cast<float>(root.im);
      }
    }
  }
};
inline constexpr GridTwiddles grid_twiddles;

// Whether lanes have a bit in their number.
template <class D>
HWY_INLINE HWY_ATTR hn::Mask<D> lanes_with_bit(D d, int bit) {
  const hn::RebindToSigned<D> integers;
  return hn::RebindMask(d, hn::TestBit(hn::Iota(integers, 0), hn::Set(integers, bit)));
}

template <class D>
class GridTransform {
  using T = float;
  using C = Complex<D>;
  using V = hn::Vec<D>;

 public:
  // `work` has room for an element of each cell.
  GridTransform(const Grid& grid, T* work) : grid_(grid), work_(work) {}

  // ---- the order of a grid ----

  // A row of a spectrum as vectors of the grid, from `to` on. Columns 16 b ... 16 b + 15 come from before(b)
  // or after(b), as they are before the middle or after it; of those in the middle, the first ones from
  // before(b).
  template <class Before, class After>
  HWY_INLINE HWY_ATTR void to_grid(const Before& before, const After& after, hn::Mask<D> up_to_middle,
                                   T* to) const {
    with_one_of(Grid::Factors{}, grid_.columns, [&](auto radix) SCATLIGHT_LAMBDA {
      constexpr int columns = decltype(radix)::value;
      V x[columns];
      unroll<columns>([&](auto b) SCATLIGHT_LAMBDA {
        constexpr int block = decltype(b)::value;
        V& to_block = x[side * block % columns];
        if constexpr (block < columns / 2) {
          to_block = before(block);
        } else if constexpr (block > columns / 2) {
          to_block = after(block);
        } else {
          to_block = hn::IfThenElse(up_to_middle, before(block), after(block));
        }
      });
      // Lane l of what is vector c now belongs to vector c + l.
      turn_lanes<columns, -1>(x);
      unroll<columns>([&](auto c) SCATLIGHT_LAMBDA { hn::Store(x[c], d_, to + c * cell_row_step()); });
    });
  }
  // The other way round, to store(b, columns).
  template <class Store>
  HWY_INLINE HWY_ATTR void from_grid(const T* from, const Store& store) const {
    with_one_of(Grid::Factors{}, grid_.columns, [&](auto radix) SCATLIGHT_LAMBDA {
      constexpr int columns = decltype(radix)::value;
      V x[columns];
      unroll<columns>([&](auto c) SCATLIGHT_LAMBDA { x[c] = hn::Load(d_, from + c * cell_row_step()); });
      turn_lanes<columns, 1>(x);
      unroll<columns>([&](auto b) SCATLIGHT_LAMBDA { store(b, x[side * b % columns]); });
    });
  }

  // ---- the transform ----

  // The first half: a plane from the product of a spectrum and a filter.
  HWY_INLINE HWY_ATTR void first_half(const T* spectrum, const GridFilter<T>& filter, T* plane) const {
    for_opposites([&](int b, auto opposite) SCATLIGHT_LAMBDA {
      const int stored = opposite ? side - b : b;
      with_one_of(Grid::Factors{}, grid_.rows, [&](auto radix) SCATLIGHT_LAMBDA {
        filter_columns<decltype(radix)::value, opposite>(rows(spectrum, stored), of(filter, b));
      });
      with_one_of(Grid::Factors{}, grid_.columns, [&](auto radix) SCATLIGHT_LAMBDA {
        across_to_plane<decltype(radix)::value>(plane + b * across());
      });
    });
  }

  // The second half: moduli of a block of rows, a vector for each column.
  HWY_NOINLINE HWY_ATTR void moduli(const T* part, T* row) const {
    for (int cell = 0; cell < grid_.columns; ++cell, part += element) {
      second_half(part, cell, [&](auto, const std::int32_t* column, const C(*x)[4]) SCATLIGHT_LAMBDA {
        unroll<8>([&](auto at) SCATLIGHT_LAMBDA {
          constexpr int e = decltype(at)::value / 4;
          constexpr int j = decltype(at)::value % 4;
          hn::Store(modulus(d_, x[e][j]), d_, row + column[4 * j + e] * side);
        });
      });
    }
  }

  // ---- its adjoint ----

  // The part of a plane that a block of rows u is made of becomes the adjoint second half of g u / |u|
  // (exchanged); `row` has g as vectors of columns.
  HWY_NOINLINE HWY_ATTR void differentiate(const T* row, T* part) const {
    HWY_ALIGN T memory[half_cell];
    C kept[2][4];
    for (int cell = 0; cell < grid_.columns; ++cell, part += element) {
      second_half(part, cell, [&](auto i, const std::int32_t* column, C(*x)[4]) SCATLIGHT_LAMBDA {
        unroll<8>([&](auto at) SCATLIGHT_LAMBDA {
          constexpr int e = decltype(at)::value / 4;
          constexpr int j = decltype(at)::value % 4;
          x[e][j] = exchanged_phase(d_, hn::Load(d_, row + column[4 * j + e] * side), x[e][j]);
        });
        unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
          Dft<4>::run(d_, x[e]);
          transpose_in_blocks(x[e]);
        });
        unroll<2>([&](auto e) SCATLIGHT_LAMBDA { Dft<4>::run(d_, x[e]); });
        if constexpr (decltype(i)::value == 0) {
          store_half(x, memory);
        } else {
          unroll<2>([&](auto e) SCATLIGHT_LAMBDA { std::copy_n(x[e], 4, kept[e]); });
        }
      });
      adjoint_of_first(memory, kept, part);
    }
  }

  // The adjoint of first_half, added to the gradient of the spectrum.
  HWY_INLINE HWY_ATTR void add_first_half(const T* plane, const GridFilter<T>& filter, T* gradient) const {
    for_opposites([&](int b, auto opposite) SCATLIGHT_LAMBDA {
      const int stored = opposite ? side - b : b;
      with_one_of(Grid::Factors{}, grid_.columns, [&](auto radix) SCATLIGHT_LAMBDA {
        across_from_plane<decltype(radix)::value>(plane + b * across());
      });
      with_one_of(Grid::Factors{}, grid_.rows, [&](auto radix) SCATLIGHT_LAMBDA {
        add_filtered_columns<decltype(radix)::value, opposite>(of(filter, b), rows(gradient, stored));
      });
    });
  }

 private:
  static constexpr int side = Grid::side;
  static constexpr std::size_t element = 2 * side;

  HWY_INLINE std::size_t cells() const { return grid_.cells(); }
  HWY_INLINE std::size_t across() const { return grid_.columns * element; }
  HWY_INLINE std::size_t cell_row_step() const { return grid_.rows * element; }

  // Vector c gets its lane l from vector c + Direction l.
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

  // A filter at (cells) of rows b of a grid.
  HWY_INLINE GridFilter<T> of(const GridFilter<T>& filter, int b) const {
    return {filter.values + b * cells() * side, filter.mirrored};
  }

  // body(b, opposite) for all r mod 16 = b: those that are stored and, right after them, what is made of
  // them.
  template <class Body>
  HWY_INLINE HWY_ATTR void for_opposites(const Body& body) const {
    for (int b = 0; b < Grid::stored_rows; ++b) {
      body(b, std::false_type());
      if (b % (side / 2) != 0) body(side - b, std::true_type());
    }
  }

  // What of a spectrum has this r mod 16.
  template <class Value>
  HWY_INLINE Value* rows(Value* spectrum, int b) const {
    return spectrum + b * cells() * element;
  }

  // The lanes of columns -c.
  HWY_INLINE HWY_ATTR V opposite(V x) const {
    alignas(64) static constexpr std::int32_t lanes[16] = {0, 15, 14, 13, 12, 11, 10, 9,
                                                           8, 7,  6,  5,  4,  3,  2,  1};
    return hn::TableLookupLanes(x, hn::SetTableIndices(d_, lanes));
  }
  HWY_INLINE HWY_ATTR C opposite_conjugate(C z) const { return {opposite(z.re), hn::Neg(opposite(z.im))}; }

  // psi at the cells of column `cell`, (rows): psi(a) is a vector of columns.
  template <class Body>
  HWY_INLINE HWY_ATTR void with_filter(const GridFilter<T>& filter, int cell, const Body& body) const {
    if (!filter.mirrored) {
      const T* values = filter.values + cell * grid_.rows * side;
      return body([&](int a) SCATLIGHT_LAMBDA { return hn::Load(d_, values + a * side); });
    }
    const T* values = filter.values + (cell == 0 ? 0 : grid_.columns - cell) * grid_.rows * side;
    body([&](int a) SCATLIGHT_LAMBDA { return opposite(hn::Load(d_, values + a * side)); });
  }

  template <int R, class Load, class Store>
  HWY_INLINE HWY_ATTR void odd_dft(const Load& load, const Store& store) const {
    if constexpr (R >= 15) {
      composite_dft<R>(d_, nullptr, load, store);
    } else {
      C x[R];
      unroll<R>([&](auto q) SCATLIGHT_LAMBDA { x[q] = load(q); });
      Dft<R>::run(d_, x);
      unroll<R>([&](auto k) SCATLIGHT_LAMBDA { store(k, x[k]); });
    }
  }

  // `Opposite`: from the conjugates of rows -r, which stand in for those that are not stored.
  template <int R, bool Opposite>
  HWY_NOINLINE HWY_ATTR void filter_columns(const T* spectrum, const GridFilter<T> filter) const {
    for (int cell = 0; cell < grid_.columns; ++cell) {
      const T* from = spectrum + column<Opposite>(cell) * (R * element);
      T* to = work_ + cell * element;
      with_filter(filter, cell, [&](const auto& psi) SCATLIGHT_LAMBDA {
        odd_dft<R>(
            [&](int a) SCATLIGHT_LAMBDA {
              const auto factor = psi(a);
              auto x = load_element(d_, from + (Opposite && a > 0 ? R - a : a) * element);
              if constexpr (Opposite) x = opposite_conjugate(x);
              return C{hn::Mul(factor, x.re), hn::Mul(factor, x.im)};
            },
            [&](int k, C value) SCATLIGHT_LAMBDA { store_element(d_, value, to + k * across()); });
      });
    }
  }
  template <int R, bool Opposite>
  HWY_NOINLINE HWY_ATTR void add_filtered_columns(const GridFilter<T> filter, T* gradient) const {
    for (int cell = 0; cell < grid_.columns; ++cell) {
      const T* from = work_ + cell * element;
      T* to = gradient + column<Opposite>(cell) * (R * element);
      with_filter(filter, cell, [&](const auto& psi) SCATLIGHT_LAMBDA {
        odd_dft<R>([&](int k) SCATLIGHT_LAMBDA { return load_element(d_, from + k * across()); },
                   [&](int a, C exchanged) SCATLIGHT_LAMBDA {
                     T* at = to + (Opposite && a > 0 ? R - a : a) * element;
                     const auto factor = psi(a);
                     C value = exchange<D>(exchanged);
                     value = {hn::Mul(factor, value.re), hn::Mul(factor, value.im)};
                     if constexpr (Opposite) value = opposite_conjugate(value);
                     store_element(d_, add<D>(load_element(d_, at), value), at);
                   });
      });
    }
  }
  template <bool Opposite>
  HWY_INLINE int column(int cell) const {
    return Opposite && cell > 0 ? grid_.columns - cell : cell;
  }

  template <int R>
  HWY_NOINLINE HWY_ATTR void across_to_plane(T* plane) const {
    const T* from = work_;
    for (int a = 0; a < grid_.rows; ++a, from += R * element, plane += grid_.part_size()) {
      odd_dft<R>([&](int c) SCATLIGHT_LAMBDA { return load_element(d_, from + c * element); },
                 [&](int k, C value) SCATLIGHT_LAMBDA { store_element(d_, value, plane + k * element); });
    }
  }
  template <int R>
  HWY_NOINLINE HWY_ATTR void across_from_plane(const T* plane) const {
    T* to = work_;
    for (int a = 0; a < grid_.rows; ++a, to += R * element, plane += grid_.part_size()) {
      odd_dft<R>([&](int k) SCATLIGHT_LAMBDA { return load_element(d_, plane + k * element); },
                 [&](int c, C value) SCATLIGHT_LAMBDA { store_element(d_, value, to + c * element); });
    }
  }

  // The DFT of 16 x 16 samples, 16 elements of 16 lanes, in steps of four: element n + 4 q to output
  // k + 4 m, and lane 4 h + w to output i + 4 j. By sums over q and h, elements (q), [h][w] of two n, as
  // [lanes], become (i), [k][w]. Two, as one would wait for its own results.
  HWY_INLINE HWY_ATTR void first_of_cell(const T* part, int n, C (*x)[4]) const {
    unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
      unroll<4>([&](auto q)
                    SCATLIGHT_LAMBDA { x[e][q] = load_element(d_, part + (n + e + 4 * q) * across()); });
      Dft<4>::run(d_, x[e]);
    });
    unroll<2>([&](auto e) SCATLIGHT_LAMBDA { transpose_blocks(x[e]); });
    unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
      Dft<4>::run(d_, x[e]);
      rotate_by_twiddles(n + e, x[e]);
    });
  }
  // All of it, by sums over n and w too: take(i, columns, x) gets the outputs (j), [k][m] of i and i + 1:
  // rows k + 4 m of columns[4 j] and columns[4 j + 1]. Half of what is between the sums stays in registers.
  template <class Take>
  HWY_INLINE HWY_ATTR void second_half(const T* part, int cell, const Take& take) const {
    HWY_ALIGN T memory[half_cell];
    C x[2][4];
    first_of_cell(part, 0, x);
    store_half(x, memory);
    C kept[2][4];
    first_of_cell(part, 2, kept);
    unroll<2>([&](auto pair) SCATLIGHT_LAMBDA {
      const std::integral_constant<int, 2 * decltype(pair)::value> i;
      load_pair(i, memory, kept, x);
      unroll<2>([&](auto e) SCATLIGHT_LAMBDA { Dft<4>::run(d_, x[e]); });
      unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
        transpose_in_blocks(x[e]);
        Dft<4>::run(d_, x[e]);
      });
      take(i, &grid_.column_of[cell * side + i], x);
    });
  }
  // The adjoint of first_of_cell for all n, from halves as above.
  HWY_INLINE HWY_ATTR void adjoint_of_first(const T* memory, const C (*kept)[4], T* part) const {
    unroll<2>([&](auto pair) SCATLIGHT_LAMBDA {
      const std::integral_constant<int, 2 * decltype(pair)::value> n;
      C x[2][4];
      load_pair(n, memory, kept, x);
      unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
        rotate_by_twiddles(n + e, x[e]);
        Dft<4>::run(d_, x[e]);
      });
      unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
        transpose_blocks(x[e]);
        Dft<4>::run(d_, x[e]);
        unroll<4>([&](auto q)
                      SCATLIGHT_LAMBDA { store_element(d_, x[e][q], part + (n + e + 4 * q) * across()); });
      });
    });
  }

  // Elements (4, 4) of a cell, [l][k], are needed as [k][l] next. Those of l = 0 and 1 go through memory,
  static constexpr std::size_t half_cell = 8 * element;
  HWY_INLINE HWY_ATTR void store_half(const C (*x)[4], T* memory) const {
    unroll<2>([&](auto l) SCATLIGHT_LAMBDA {
      unroll<4>([&](auto k) SCATLIGHT_LAMBDA { store_element(d_, x[l][k], memory + (2 * k + l) * element); });
    });
  }
  // and those of l = 2 and 3 are `kept`.
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
      x[i] = rotate<D>(x[i], hn::Load(d_, grid_twiddles.re[4 * n + i]),
                       hn::Load(d_, grid_twiddles.im[4 * n + i]));
    });
  }

  static HWY_INLINE HWY_ATTR void transpose_blocks(C* x) {
    transpose_four_blocks(x[0].re.raw, x[1].re.raw, x[2].re.raw, x[3].re.raw);
    transpose_four_blocks(x[0].im.raw, x[1].im.raw, x[2].im.raw, x[3].im.raw);
  }
  HWY_INLINE HWY_ATTR void transpose_in_blocks(C* x) const {
    V re[4];
    V im[4];
    unroll<4>([&](auto i) SCATLIGHT_LAMBDA {
      re[i] = x[i].re;
      im[i] = x[i].im;
    });
    transpose_four_in_blocks(d_, re);
    transpose_four_in_blocks(d_, im);
    unroll<4>([&](auto i) SCATLIGHT_LAMBDA { x[i] = {re[i], im[i]}; });
  }

  const D d_ = {};
  const Grid& grid_;
  T* const work_;
};

#endif

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
