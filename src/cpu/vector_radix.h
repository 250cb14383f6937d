#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/filter_bank.h"
#include "cpu/aligned_vector.h"
#include "cpu/packing.h"

namespace scatlight::cpu {

/// How to compute the inverse DFT of a plane of (16 q) x (16 p) samples in two halves: DFTs of q x p samples,
/// then DFTs of 16 x 16 samples, which stay in registers as 16 vectors of 16 lanes. (A vector-radix FFT,
/// where others transform all columns and then all rows; one of the 16 x 16 DFTs is a butterfly.) Along an
/// axis whose factor, q or p, is odd, there are no twiddle factors, by prime-factor index maps (Good and
/// Thomas); along one whose factor is 16, there are, by those of Cooley and Tukey.
///
/// A spectrum or filter is stored as (r mod 16, c', r') vectors of lanes c mod 16, for the sample of row r
/// and column c. The place r' of a row is r mod q where q is odd, else r / 16; c' likewise by p. The spectra
/// of images, which are real, and their gradients have samples with r mod 16 up to 8 only; the others are
/// conj x(-r, -c).
///
/// Between the halves, the plane is stored as (16, q, p) elements, with gaps after (p) and after (q, p) where
/// these are an even number, as FftPlan has them. The first half makes each of the 16 slices (q, p) where it
/// stands; a block of 16 rows of the result is made of one row (p) of every slice, a butterfly of one element
/// of every slice.
struct VectorRadixPlan {
  static constexpr int radix = 16;
  using Factors = std::integer_sequence<int, 7, 9, 11, 13, 15, 16, 21>;  ///< that q and p can be
  static constexpr int stored_rows = radix / 2 + 1;                      ///< of a spectrum, by r mod 16

  static constexpr bool is_odd(int factor) { return factor % 2 == 1; }
  /// Whether there is a plan for planes of this size.
  static bool fits(int height, int width, Packing packing);
  VectorRadixPlan(int height, int width);

  int rows;     ///< q
  int columns;  ///< p

  int butterflies() const { return rows * columns; }
  std::size_t row_size() const { return static_cast<std::size_t>(columns | 1) * 2 * radix; }    ///< of (p)
  std::size_t slice_size() const { return (rows * row_size() / (2 * radix) | 1) * 2 * radix; }  ///< of (q, p)
  std::size_t plane_size() const { return radix * slice_size(); }
  std::size_t filter_size() const { return static_cast<std::size_t>(butterflies()) * radix * radix; }
  std::size_t spectrum_size() const {
    return static_cast<std::size_t>(butterflies()) * stored_rows * 2 * radix;
  }
  /// The vector (r mod 16, c', r') of a sample, which is in its lane c mod 16.
  std::size_t element(int r, int c) const {
    return (static_cast<std::size_t>(r % radix) * columns + place(c, columns)) * rows + place(r, rows);
  }

  /// By lanes, the rows of the result that a block has.
  auto rows_of(int block) const {
    return [rows = &row_of[block * radix]](int lane) { return rows[lane]; };
  }

  std::vector<std::int32_t> row_of;     ///< (q, 16): the rows of the result, block by block
  std::vector<std::int32_t> column_of;  ///< (p, 16): the columns of the result, butterfly by butterfly

 private:
  static int place(int sample, int factor) { return is_odd(factor) ? sample % factor : sample / radix; }
};

/// psi, stored as spectra are. If `mirrored`, the values are those of the wavelet whose column c is column -c
/// here.
template <class T>
struct VectorRadixFilter {
  const T* values;
  bool mirrored;
};

/// The values of a wavelet at level 0, divided by the number of samples, which the inverse transform is not.
template <class T>
AlignedVector<T> vector_radix_values(const FilterBank& bank, const WaveletSpectrum& wavelet,
                                     const VectorRadixPlan& plan);

}  // namespace scatlight::cpu
