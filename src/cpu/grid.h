#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "cpu/packing.h"

namespace scatlight::cpu {

/// A plane of (16 q) x (16 p) samples whose inverse DFT is four small ones: of q rows and p columns first,
/// then of 16 x 16 samples, which stay in registers. Vectors have 16 values. Where q or p is odd, that
/// direction needs no twiddle factors, by the index maps of Good and Thomas; where it is 16, it does, by
/// those of Cooley and Tukey.
///
/// Before the transform, as a spectrum or a filter, the sample (r, c) stands in element
/// ((r mod 16) p + c') q + r', in lane c mod 16, with r' = r mod q and c' = c mod p where these are odd, else
/// r / 16 and c / 16. Of the spectrum of an image, which is real, and of its gradient, samples with r mod 16
/// up to 8 are stored; what is missing is conj x(-r, -c).
///
/// Between its two halves, the plane stands in memory as (16, q, p) elements, with gaps after p and after
/// (q, p) where they are an even number, as FftPlan has. A part (q, p) is made by the first half where it
/// stands; a block of 16 rows of the result is made of a row (p) of every part.
struct Grid {
  static constexpr int side = 16;
  using Factors = std::integer_sequence<int, 7, 9, 11, 13, 15, 16, 21>;  ///< that q and p may be
  static constexpr int stored_rows = side / 2 + 1;                       ///< of a spectrum, by r mod 16

  static constexpr bool is_odd(int factor) { return factor % 2 == 1; }
  /// Whether planes of this size can be one.
  static bool fits(int height, int width, Packing packing);
  Grid(int height, int width);

  int rows;     ///< q
  int columns;  ///< p

  int cells() const { return rows * columns; }
  std::size_t row_size() const { return static_cast<std::size_t>(columns | 1) * 2 * side; }  ///< of (p)
  std::size_t part_size() const { return (rows * row_size() / (2 * side) | 1) * 2 * side; }  ///< of (q, p)
  std::size_t plane_size() const { return side * part_size(); }
  std::size_t filter_size() const { return static_cast<std::size_t>(cells()) * side * side; }
  std::size_t spectrum_size() const { return static_cast<std::size_t>(cells()) * stored_rows * 2 * side; }
  /// The element of row r of column c, which has lane c mod 16.
  std::size_t element(int r, int c) const {
    return (static_cast<std::size_t>(r % side) * columns + place(c, columns)) * rows + place(r, rows);
  }

  /// The rows of the result that a block has in its lanes, by these.
  auto rows_of(int block) const {
    return [rows = &row_of[block * side]](int lane) { return rows[lane]; };
  }

  std::vector<std::int32_t> row_of;     ///< (q, 16): the rows of the result, by blocks
  std::vector<std::int32_t> column_of;  ///< (p, 16): the columns of the result, as a block gets them

 private:
  static int place(int sample, int factor) { return is_odd(factor) ? sample % factor : sample / side; }
};

/// psi in the order of a grid's spectra, or, if `mirrored`, the one whose column c is its column -c.
template <class T>
struct GridFilter {
  const T* values;
  bool mirrored;
};

}  // namespace scatlight::cpu
