#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/filter_bank.h"
#include "core/geometry.h"
#include "cuda/gradient_kernels.h"

namespace scatlight::cuda {

/// The arrays that kernels read all the time, wherever they are.
template <class T>
struct Constants {
  const int* integers;
  const T* reals;
  const Complex<T>* roots;
  const int* places;  ///< this and the next two: of filters
  const FilterPart* parts;
  const T* filter_values;
};

/// The lengths, as products, that have an FFT known to the compiler: those of common images, padded. With J =
/// 3 those of 224 x 224, of 256, 288 and 320, and of 64; with J = 2 of 32.
struct StaticLength {
  int first;
  int second;
};
inline constexpr std::array static_lengths = {
    StaticLength{4, 5},   StaticLength{5, 8},   StaticLength{4, 15}, StaticLength{4, 17},
    StaticLength{4, 19},  StaticLength{5, 16},  StaticLength{4, 21}, StaticLength{8, 15},
    StaticLength{8, 17},  StaticLength{8, 19},  StaticLength{8, 21}, StaticLength{15, 16},
    StaticLength{16, 17}, StaticLength{16, 19}, StaticLength{16, 21}};

/// An FFT of one length. Members named `first_...` are indices into Constants' arrays here and below.
struct FftTable {
  int length = 0;
  std::vector<int> radices;
  std::ptrdiff_t first_root = 0;
  std::ptrdiff_t first_twiddle = 0;  ///< of StaticFft, if there is one for the length
  std::ptrdiff_t first_frequency = 0;

  template <class T>
  AnyFft<T> any(const Constants<T>& constants, int lines) const;
};

/// phi_J along one axis at one level.
struct LowPassTable {
  std::ptrdiff_t first_weight = 0;
  int taps = 0;
  int radius = 0;
  int length = 0;
  int level = 0;
  int border = 0;
  int outputs = 0;

  template <class T>
  LowPass<T> at(const Constants<T>& constants) const {
    return {constants.reals + first_weight, taps, radius, length, level, border, outputs};
  }
};

/// What is known about planes of one sampling step.
struct LevelTable {
  int height = 0;
  int width = 0;
  FftTable along_columns;
  FftTable along_rows;
  LowPassTable vertical;
  LowPassTable horizontal;
};

/// The repeats of an axis; kernels.h's Repeats.
struct RepeatsTable {
  std::ptrdiff_t first_begin = 0;
  std::ptrdiff_t first_index = 0;

  template <class T>
  Repeats at(const Constants<T>& constants) const {
    return {constants.integers + first_begin, constants.integers + first_index};
  }
};

/// What the kernels read that does not follow from the wavelets, made once on the host for all plans of the
/// same options.
template <class T>
struct Tables {
  Tables(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank);

  ScatteringOptions options;
  Geometry geometry;
  std::vector<LevelTable> levels;
  std::ptrdiff_t first_row_source = 0;
  std::ptrdiff_t first_column_source = 0;
  RepeatsTable row_repeats;
  RepeatsTable column_repeats;

  std::vector<int> integers;
  std::vector<T> reals;
  std::vector<Complex<T>> roots;

  /// That of |x * psi_scale|.
  const LevelTable& level_of(int scale) const { return levels[geometry.level(scale)]; }

 private:
  FftTable add_fft(int length);
  LowPassTable add_low_pass(const FilterBank& bank, const Axis& axis, int level);
  RepeatsTable add_repeats(const std::vector<int>& sources, int size);
};

template <class T>
AnyFft<T> FftTable::any(const Constants<T>& constants, int lines) const {
  AnyFft<T> fft{.points = length,
                .lines_per_block = lines,
                .stages = static_cast<int>(radices.size()),
                .radix = {},
                .buffers = 1,
                .roots = constants.roots + first_root,
                .frequencies = constants.integers + first_frequency};
  int large = 0;
  for (std::size_t i = 0; i < radices.size(); ++i) {
    fft.radix[i] = radices[i];
    large += is_register_radix<T>(radices[i]) ? 0 : 1;
  }
  if (large > 1) fft.buffers = 2;
  return fft;
}

}  // namespace scatlight::cuda
