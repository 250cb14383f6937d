#pragma once

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
  const FilterWindow* windows;
};

/// An FFT of one length. Members named `first_...` are indices into Constants' arrays here and below.
struct FftTable {
  int length = 0;
  std::vector<int> radices;
  std::ptrdiff_t first_root = 0;
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

  int half() const { return width / 2 + 1; }
};

/// The wavelets of one scale as they are applied to sources at one level.
struct ScaleFilters {
  std::ptrdiff_t first_window = 0;  ///< (angles)
  bool whole = false;               ///< nothing is folded, and windows are the whole spectrum
};

/// The wavelets for sources at one level: images, or |x * psi_j|.
struct Band {
  int level = 0;
  int first_scale = 0;
  std::vector<ScaleFilters> scales;  ///< from first_scale on
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

/// Everything that the kernels read, made once for a plan on the host.
template <class T>
struct Tables {
  Tables(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank);

  ScatteringOptions options;
  Geometry geometry;
  std::vector<LevelTable> levels;
  std::vector<Band> bands;  ///< of images, then of |x * psi_j| by j; as far as the order needs them
  std::ptrdiff_t first_row_source = 0;
  std::ptrdiff_t first_column_source = 0;
  RepeatsTable row_repeats;
  RepeatsTable column_repeats;

  std::vector<int> integers;
  std::vector<T> reals;
  std::vector<Complex<T>> roots;
  std::vector<FilterWindow> windows;

  Constants<T> on_host() const { return {integers.data(), reals.data(), roots.data(), windows.data()}; }

 private:
  FftTable add_fft(int length);
  LowPassTable add_low_pass(const FilterBank& bank, const Axis& axis, int level);
  RepeatsTable add_repeats(const std::vector<int>& sources, int size);
  Band add_band(const FilterBank& bank, int level, int first_scale);
  FilterWindow add_window(const FilterBank& bank, const WaveletSpectrum& wavelet, int level);
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
