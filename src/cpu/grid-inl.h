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

#include "cpu/fetch.h"
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

// exp(2 pi i exponent(row, lane) / n) at [row][lane].
struct GridRoots {
  alignas(64) float re[16][16];
  alignas(64) float im[16][16];

  template <class Exponent>
  constexpr GridRoots(int n, const Exponent& exponent) : re(), im() {
    for (int row = 0; row < 16; ++row) {
      for (int lane = 0; lane < 16; ++lane) {
        const Root root = root_of_unity(exponent(row, lane), n);
        re[row][lane] = static_cast<float>(root.re);
        im[row][lane] = static_cast<float>(root.im);
      }
    }
  }
};
// n k + w i at [4 n + i][4 k + w]: within the DFT of 16 x 16 samples.
inline constexpr GridRoots grid_twiddles(16, [](int row, int lane) {
  return row / 4 * (lane / 4) + row % 4 * (lane % 4);
});
// n k at [n][k]: between the two DFTs of a side of 16 x 16 samples.
inline constexpr GridRoots grid_roots(256, [](int n, int k) { return n * k; });

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
  explicit GridTransform(const Grid& grid) : grid_(grid) {}

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
        V& to_block = x[Grid::is_odd(columns) ? side * block % columns : block];
        if constexpr (block < columns / 2) {
          to_block = before(block);
        } else if constexpr (block > columns / 2) {
          to_block = after(block);
        } else {
          to_block = hn::IfThenElse(up_to_middle, before(block), after(block));
        }
      });
      // Lane l of what is vector c now belongs to vector c + l.
      if constexpr (Grid::is_odd(columns)) turn_lanes<columns, -1>(x);
      unroll<columns>([&](auto c) SCATLIGHT_LAMBDA { hn::Store(x[c], d_, to + c * cell_row_step()); });
    });
  }
  // The other way round, to store(b, columns): the sum of some grids, from froms[i] + begin on.
  template <class Store>
  HWY_INLINE HWY_ATTR void from_grids(const T* const* froms, int count, std::size_t begin,
                                      const Store& store) const {
    with_one_of(Grid::Factors{}, grid_.columns, [&](auto radix) SCATLIGHT_LAMBDA {
      constexpr int columns = decltype(radix)::value;
      V x[columns];
      unroll<columns>([&](auto c) SCATLIGHT_LAMBDA {
        const std::size_t at = begin + c * cell_row_step();
        x[c] = hn::Load(d_, froms[0] + at);
        for (int i = 1; i < count; ++i) x[c] = hn::Add(x[c], hn::Load(d_, froms[i] + at));
      });
      if constexpr (Grid::is_odd(columns)) turn_lanes<columns, 1>(x);
      unroll<columns>([&](auto b)
                          SCATLIGHT_LAMBDA { store(b, x[Grid::is_odd(columns) ? side * b % columns : b]); });
    });
  }

  // ---- the transform ----

  // The first half: a plane from the product of a spectrum and a filter.
  HWY_INLINE HWY_ATTR void first_half(const T* spectrum, const GridFilter<T>& filter, T* plane) const {
    for_rows([&](int b, auto radix, auto is_even, auto is_opposite) SCATLIGHT_LAMBDA {
      const int stored = is_opposite ? side - b : b;
      T* part = plane + b * across_parts();
      filter_columns<radix, is_even, is_opposite>(rows(spectrum, stored), of(filter, b), b, part);
      with_one_of(Grid::Factors{}, grid_.columns,
                  [&](auto columns) SCATLIGHT_LAMBDA { transform_rows<columns>(part); });
    });
  }

  // The second half: moduli of a block of rows of the plane, a vector for each column.
  HWY_NOINLINE HWY_ATTR void moduli(const T* plane, int block, T* row, Fetch& fetch) const {
    const T* at = plane + block * across();
    for (int cell = 0; cell < grid_.columns; ++cell, at += element) {
      fetch.step();
      second_half(at, cell, [&](auto, const std::int32_t* column, const C(*x)[4]) SCATLIGHT_LAMBDA {
        unroll<8>([&](auto at) SCATLIGHT_LAMBDA {
          constexpr int e = decltype(at)::value / 4;
          constexpr int j = decltype(at)::value % 4;
          hn::Store(modulus(d_, x[e][j]), d_, row + column[4 * j + e] * side);
        });
      });
    }
  }

  // ---- its adjoint ----

  // What a block of rows u of the plane is made of becomes the adjoint second half of g u / |u| (exchanged);
  // `row` has g as vectors of columns.
  HWY_NOINLINE HWY_ATTR void differentiate(const T* row, T* plane, int block, Fetch& fetch) const {
    HWY_ALIGN T memory[half_cell];
    C kept[2][4];
    T* from = plane + block * across();
    for (int cell = 0; cell < grid_.columns; ++cell, from += element) {
      fetch.step();
      second_half(from, cell, [&](auto i, const std::int32_t* column, C(*x)[4]) SCATLIGHT_LAMBDA {
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
      adjoint_of_first(memory, kept, from);
    }
  }

  // The adjoint of first_half, added to the gradient of the spectrum.
  // The plane is lost.
  HWY_INLINE HWY_ATTR void add_first_half(T* plane, const GridFilter<T>& filter, T* gradient) const {
    for_rows([&](int b, auto radix, auto is_even, auto is_opposite) SCATLIGHT_LAMBDA {
      T* part = plane + b * across_parts();
      with_one_of(Grid::Factors{}, grid_.columns,
                  [&](auto columns) SCATLIGHT_LAMBDA { transform_rows_back<columns>(part); });
      const int stored = is_opposite ? side - b : b;
      add_filtered_columns<radix, is_even, is_opposite>(part, of(filter, b), b, rows(gradient, stored));
    });
  }

 private:
  static constexpr int side = Grid::side;
  static constexpr std::size_t element = 2 * side;

  HWY_INLINE std::size_t cells() const { return grid_.cells(); }
  HWY_INLINE std::size_t across() const { return grid_.row_size(); }
  HWY_INLINE std::size_t across_parts() const { return grid_.part_size(); }
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

  // body(b, q, whether p is even, whether b is opposite) for all r mod 16 = b: those that are stored and,
  // right after them, what is made of them.
  template <class Body>
  HWY_INLINE HWY_ATTR void for_rows(const Body& body) const {
    with_one_of(Grid::Factors{}, grid_.rows, [&](auto radix) SCATLIGHT_LAMBDA {
      with_one_of(std::integer_sequence<int, 0, 1>{}, grid_.columns % 2,
                  [&](auto remainder) SCATLIGHT_LAMBDA {
                    constexpr std::bool_constant<decltype(remainder)::value == 0> is_even;
                    for (int b = 0; b < Grid::stored_rows; ++b) {
                      body(b, radix, is_even, std::false_type());
                      if (b % (side / 2) != 0) body(side - b, radix, is_even, std::true_type());
                    }
                  });
    });
  }

  // What of a spectrum has this r mod 16.
  template <class Value>
  HWY_INLINE Value* rows(Value* spectrum, int b) const {
    return spectrum + b * cells() * element;
  }

  // Columns -c of those of a cell, c. Where there is an even number of columns of cells, that of lane 0 is in
  // another cell than the others.
  struct OppositeCells {
    int zero;
    int others;
  };
  template <bool IsEven>
  HWY_INLINE OppositeCells opposite_of(int cell) const {
    const int zero = cell == 0 ? 0 : grid_.columns - cell;
    return {zero, IsEven ? grid_.columns - 1 - cell : zero};
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
  // Row -r of those of rows b > 0 that (rows) has at a.
  template <int R>
  static constexpr int opposite_row(int a) {
    if (!Grid::is_odd(R)) return R - 1 - a;
    return a == 0 ? 0 : R - a;
  }

  // psi at the cells of column `cell`, (rows): psi(a) is a vector of columns.
  template <bool IsEven, class Body>
  HWY_INLINE HWY_ATTR void with_filter(const GridFilter<T>& filter, int cell, const Body& body) const {
    const auto at = [&](int cell) { return filter.values + cell * grid_.rows * side; };
    if (!filter.mirrored) {
      const T* values = at(cell);
      return body([&](int a) SCATLIGHT_LAMBDA { return hn::Load(d_, values + a * side); });
    }
    const auto cells = opposite_of<IsEven>(cell);
    const T* zero = at(cells.zero);
    const T* others = at(cells.others);
    body([&](int a) SCATLIGHT_LAMBDA { return opposite<IsEven>(zero + a * side, others + a * side); });
  }

  template <int R, class Load, class Store>
  HWY_INLINE HWY_ATTR void dft(const Load& load, const Store& store) const {
    if constexpr (R >= 15) {
      composite_dft<R>(d_, nullptr, load, store);
    } else {
      C x[R];
      unroll<R>([&](auto q) SCATLIGHT_LAMBDA { x[q] = load(q); });
      Dft<R>::run(d_, x);
      unroll<R>([&](auto k) SCATLIGHT_LAMBDA { store(k, x[k]); });
    }
  }

  // The twiddle factors of output k of rows b, and of columns, where a side needs them.
  template <int R>
  HWY_INLINE HWY_ATTR C rotate_row(C x, int b, int k) const {
    if (Grid::is_odd(R) || k == 0) return x;
    return rotate<D>(x, hn::Set(d_, grid_roots.re[b][k]), hn::Set(d_, grid_roots.im[b][k]));
  }
  template <int R>
  HWY_INLINE HWY_ATTR C rotate_columns(C x, int k) const {
    if (Grid::is_odd(R) || k == 0) return x;
    return rotate<D>(x, hn::Load(d_, grid_roots.re[k]), hn::Load(d_, grid_roots.im[k]));
  }

  // `Opposite`: from the conjugates of rows -r, which stand in for those that are not stored.
  template <int R, bool IsEven, bool Opposite>
  HWY_NOINLINE HWY_ATTR void filter_columns(const T* spectrum, const GridFilter<T> filter, int b,
                                            T* part) const {
    for (int cell = 0; cell < grid_.columns; ++cell) {
      const auto cells = Opposite ? opposite_of<IsEven>(cell) : OppositeCells{cell, cell};
      const T* zero = spectrum + cells.zero * (R * element);
      const T* others = spectrum + cells.others * (R * element);
      T* to = part + cell * element;
      with_filter<IsEven>(filter, cell, [&](const auto& psi) SCATLIGHT_LAMBDA {
        dft<R>(
            [&](int a) SCATLIGHT_LAMBDA {
              const auto factor = psi(a);
              C x;
              if constexpr (Opposite) {
                const std::size_t row = opposite_row<R>(a) * element;
                x.re = opposite<IsEven>(zero + row, others + row);
                x.im = hn::Neg(opposite<IsEven>(zero + row + side, others + row + side));
              } else {
                x = load_element(d_, others + a * element);
              }
              return C{hn::Mul(factor, x.re), hn::Mul(factor, x.im)};
            },
            [&](int k, C value)
                SCATLIGHT_LAMBDA { store_element(d_, rotate_row<R>(value, b, k), to + k * across()); });
      });
    }
  }
  template <int R, bool IsEven, bool Opposite>
  HWY_NOINLINE HWY_ATTR void add_filtered_columns(const T* part, const GridFilter<T> filter, int b,
                                                  T* gradient) const {
    for (int cell = 0; cell < grid_.columns; ++cell) {
      const T* from = part + cell * element;
      const auto cells = Opposite ? opposite_of<IsEven>(cell) : OppositeCells{cell, cell};
      T* zero = gradient + cells.zero * (R * element);
      T* others = gradient + cells.others * (R * element);
      with_filter<IsEven>(filter, cell, [&](const auto& psi) SCATLIGHT_LAMBDA {
        dft<R>([&](int k)
                   SCATLIGHT_LAMBDA { return rotate_row<R>(load_element(d_, from + k * across()), b, k); },
               [&](int a, C exchanged) SCATLIGHT_LAMBDA {
                 const auto factor = psi(a);
                 C value = exchange<D>(exchanged);
                 value = {hn::Mul(factor, value.re), hn::Mul(factor, value.im)};
                 if constexpr (!Opposite) return add_element(others + a * element, value);
                 value = {opposite(value.re, value.re), hn::Neg(opposite(value.im, value.im))};
                 const std::size_t row = opposite_row<R>(a) * element;
                 if constexpr (IsEven) {
                   zero[row] += hn::GetLane(value.re);
                   zero[row + side] += hn::GetLane(value.im);
                   const auto lane_zero = hn::FirstN(d_, 1);
                   value = {hn::IfThenZeroElse(lane_zero, value.re), hn::IfThenZeroElse(lane_zero, value.im)};
                 }
                 add_element(others + row, value);
               });
      });
    }
  }
  HWY_INLINE HWY_ATTR void add_element(T* at, C value) const {
    store_element(d_, add<D>(load_element(d_, at), value), at);
  }

  template <int R>
  HWY_NOINLINE HWY_ATTR void transform_rows(T* part) const {
    for (T* row = part; row != part + grid_.rows * across(); row += across()) {
      dft<R>([&](int c) SCATLIGHT_LAMBDA { return load_element(d_, row + c * element); },
             [&](int k, C value)
                 SCATLIGHT_LAMBDA { store_element(d_, rotate_columns<R>(value, k), row + k * element); });
    }
  }
  template <int R>
  HWY_NOINLINE HWY_ATTR void transform_rows_back(T* part) const {
    for (T* row = part; row != part + grid_.rows * across(); row += across()) {
      dft<R>([&](int k)
                 SCATLIGHT_LAMBDA { return rotate_columns<R>(load_element(d_, row + k * element), k); },
             [&](int c, C value) SCATLIGHT_LAMBDA { store_element(d_, value, row + c * element); });
    }
  }

  // The DFT of 16 x 16 samples, 16 elements of 16 lanes, in steps of four: element n + 4 q to output
  // k + 4 m, and lane 4 h + w to output i + 4 j. By sums over q and h, elements (q), [h][w] of two n, as
  // [lanes], become (i), [k][w]. Two, as one would wait for its own results.
  HWY_INLINE HWY_ATTR void first_of_cell(const T* from, int n, C (*x)[4]) const {
    unroll<2>([&](auto e) SCATLIGHT_LAMBDA {
      unroll<4>([&](auto q) SCATLIGHT_LAMBDA {
        x[e][q] = load_element(d_, from + (n + e + 4 * q) * across_parts());
      });
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
  HWY_INLINE HWY_ATTR void second_half(const T* from, int cell, const Take& take) const {
    HWY_ALIGN T memory[half_cell];
    C x[2][4];
    first_of_cell(from, 0, x);
    store_half(x, memory);
    C kept[2][4];
    first_of_cell(from, 2, kept);
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
        transpose_blocks(x[e]);
        Dft<4>::run(d_, x[e]);
        unroll<4>([&](auto q) SCATLIGHT_LAMBDA {
          store_element(d_, x[e][q], to + (n + e + 4 * q) * across_parts());
        });
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
};

#endif

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
