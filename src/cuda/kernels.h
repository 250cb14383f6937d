#pragma once

// The kernels of the forward transform. A kernel is a struct of its arguments; its call runs one block:
//
//   block.x(), block.y(), block.z()   which block
//   block.for_each(count, body)       body(0) ... body(count - 1) on the threads of the block, then a barrier
//   block.shared()                    the block's shared memory
//
// Bodies of one for_each may not depend on each other. So a block can run on the host, one body after the other, and
// tests do that. Memory is divided so that no two blocks of a launch write the same value or read what another writes.
//
// Layouts, row-major, of numbers of T:
//   real plane      (height, width)
//   half spectrum   (height, width / 2 + 1) complex: the other half of a real plane's is its mirror image
//   wavelet planes  (source, angle, height, width) complex: x * psi, first transformed along columns only
//   averages        (source, path, height, output width): |x * psi| after the low-pass along rows
// A source is a real plane that wavelets are applied to: an image plane, or |x * psi| for order 2.

#include <cstdint>

#include "cuda/feature_view.h"
#include "cuda/line_fft.h"

namespace scatlight::cuda {

/// phi_J along one axis at one level, as CPU code has it: weights of the samples at distance -radius ... radius of
/// each output sample, on an axis that wraps around.
template <class T>
struct LowPass {
  const T* weights;  ///< (taps)
  int taps;          ///< at most length
  int radius;
  int length;   ///< of the axis
  int level;    ///< log2 of the samples from one output sample to the next
  int border;   ///< output samples that are left out before the first one
  int outputs;  ///< that are kept

  /// Sum of at(sample) over the samples that the output reaches.
  template <class At>
  SCATLIGHT_HD T sum(int output, const At& at) const {
    int first = ((output + border) << level) - radius;
    if (first < 0) first += length;
    const int before_end = min_of(taps, length - first);
    T total = 0;
    for (int t = 0; t < before_end; ++t) total += weights[t] * at(first + t);
    for (int t = before_end; t < taps; ++t) total += weights[t] * at(first + t - length);
    return total;
  }

  /// The adjoint: sum of at(output) over the outputs that reach the sample.
  template <class At>
  SCATLIGHT_HD T adjoint(int sample, const At& at) const {
    const int all = length >> level;
    const int last = (sample + radius) >> level;
    const int first = -((taps - 1 - sample - radius) >> level);  // rounded up
    T total = 0;
    for (int center = first; center <= last; ++center) {
      int output = center < 0 ? center + all : center;
      if (output >= all) output -= all;
      output -= border;
      if (output >= 0 && output < outputs) total += weights[sample + radius - (center << level)] * at(output);
    }
    return total;
  }

 private:
  SCATLIGHT_HD static int min_of(int a, int b) { return a < b ? a : b; }
};

/// Real planes, or images that are continued to planes.
template <class T>
struct RealPlanes {
  const T* data;
  std::int64_t plane_size;  ///< values from one to the next
  int width;                ///< values from row to row
  const int* rows;          ///< the row of data that each row of the plane repeats, or -1 for zeros; null if they
  const int* columns;       ///< are planes. The same for columns.

  SCATLIGHT_HD T at(std::int64_t plane, int row, int column) const {
    if (rows != nullptr) {
      row = rows[row];
      column = columns[column];
      if (row < 0 || column < 0) return 0;
    }
    return data[plane * plane_size + static_cast<std::int64_t>(row) * width + column];
  }
};

/// Real planes -> their half spectra, transformed along rows. Two rows make one complex line.
/// Blocks: (pairs of rows / lines, planes).
template <class Fft>
struct TransformRealRows {
  using T = typename Fft::Real;
  Fft fft;
  RealPlanes<T> planes;
  int height;  ///< even
  Complex<T>* spectra;

  std::size_t shared_bytes() const {
    return sizeof(Complex<T>) * (fft.template shared_elements<Order::AlongLines>() + fft.lines() * fft.length());
  }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int width = fft.length();
    const int half = width / 2 + 1;
    const int first = block.x() * fft.lines();
    const std::int64_t plane = block.y();
    auto* const room = static_cast<Complex<T>*>(block.shared());
    auto* const pairs = room + fft.template shared_elements<Order::AlongLines>();
    const auto is_row = [&](int line) { return 2 * (first + line) < height; };
    fft.template transform<Direction::Forward, Order::AlongLines>(
        block, room,
        [&](int line, int n) {
          const int row = 2 * (first + line);
          return is_row(line) ? Complex<T>{planes.at(plane, row, n), planes.at(plane, row + 1, n)}
                              : Complex<T>{0, 0};
        },
        [&](int line, int k, Complex<T> value) { pairs[line * width + k] = value; });
    block.for_each(fft.lines() * half, [&](int index) {
      const int line = index / half;
      const int k = index % half;
      if (!is_row(line)) return;
      const Complex<T> value = pairs[line * width + k];
      const Complex<T> mirror = conjugate(pairs[line * width + (k == 0 ? 0 : width - k)]);
      const Complex<T> difference = value - mirror;  // 2 i times the second row's
      Complex<T>* const row = spectra + (plane * height + 2 * (first + line)) * half + k;
      row[0] = T(0.5) * (value + mirror);
      row[half] = T(0.5) * Complex<T>{difference.im, -difference.re};
    });
  }
};

/// Complex planes (height, width), or half spectra, transformed along columns in place.
/// Blocks: (columns / lines, planes).
template <class Fft, Direction direction>
struct TransformColumns {
  using T = typename Fft::Real;
  Fft fft;
  int width;
  Complex<T>* planes;

  std::size_t shared_bytes() const {
    return sizeof(Complex<T>) * (fft.template shared_elements<Order::AcrossLines>());
  }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int height = fft.length();
    const int first = block.x() * fft.lines();
    Complex<T>* const plane = planes + static_cast<std::int64_t>(block.y()) * height * width + first;
    fft.template transform<direction, Order::AcrossLines>(
        block, static_cast<Complex<T>*>(block.shared()),
        [&](int line, int n) {
          return first + line < width ? plane[static_cast<std::int64_t>(n) * width + line]
                                      : Complex<T>{0, 0};
        },
        [&](int line, int k, Complex<T> value) {
          if (first + line < width) plane[static_cast<std::int64_t>(k) * width + line] = value;
        });
  }
};

/// The frequencies where a filter is not negligible, rows and columns that wrap around, and where its values there are.
struct FilterWindow {
  int first_row;
  int rows;
  int first_column;
  int columns;
  std::int64_t first_value;  ///< of (rows, columns)
};

/// Half spectra times the wavelets of one scale, folded to the scale's level, transformed along columns: wavelet planes.
/// Blocks: (columns / lines, angles, sources). Folds is false where there is nothing to fold and windows are whole.
template <class Fft, bool Folds>
struct AnalyseColumns {
  using T = typename Fft::Real;
  Fft fft;  ///< of length source_height >> levels
  const Complex<T>* spectra;
  const FilterWindow* windows;  ///< (angles)
  const T* filters;             ///< values of windows, divided by the samples of the source
  int angles;
  int source_height;
  int source_width;
  int width;  ///< source_width >> levels
  Complex<T>* wavelets;

  std::size_t shared_bytes() const {
    return sizeof(Complex<T>) * (fft.template shared_elements<Order::AcrossLines>());
  }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int height = fft.length();
    const int first = block.x() * fft.lines();
    const int half = source_width / 2 + 1;
    const Complex<T>* const spectrum =
        spectra + static_cast<std::int64_t>(block.z()) * source_height * half;
    const FilterWindow window = windows[block.y()];
    const T* const filter = filters + window.first_value;
    const auto frequency = [&](int row, int column) {
      if (column < half) return spectrum[row * half + column];
      return conjugate(spectrum[(row == 0 ? 0 : source_height - row) * half + source_width - column]);
    };
    Complex<T>* const plane =
        wavelets +
        (static_cast<std::int64_t>(block.z()) * angles + block.y()) * height * width + first;
    fft.template transform<Direction::Inverse, Order::AcrossLines>(
        block, static_cast<Complex<T>*>(block.shared()),
        [&](int line, int n) {
          const int column = first + line;
          if (column >= width) return Complex<T>{0, 0};
          if constexpr (!Folds) {
            return filter[n * width + column] * frequency(n, column);
          } else {
            Complex<T> sum = {0, 0};
            for (int r = offset(n, window.first_row, height); r < window.rows; r += height) {
              int row = window.first_row + r;
              if (row >= source_height) row -= source_height;
              for (int c = offset(column, window.first_column, width); c < window.columns; c += width) {
                int from = window.first_column + c;
                if (from >= source_width) from -= source_width;
                sum += filter[r * window.columns + c] * frequency(row, from);
              }
            }
            return sum;
          }
        },
        [&](int line, int k, Complex<T> value) {
          if (first + line < width) plane[static_cast<std::int64_t>(k) * width + line] = value;
        });
  }

 private:
  // How far behind the first one is what falls on `index`.
  SCATLIGHT_HD static int offset(int index, int first, int period) {
    const int distance = (index - first) % period;
    return distance < 0 ? distance + period : distance;
  }
};

/// Real rows -> averages. Blocks: (rows / lines, planes).
template <class T>
struct AverageRows {
  RealPlanes<T> planes;
  LowPass<T> low_pass;
  int height;
  int lines;
  T* averages;  ///< (plane, height, outputs)

  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int first = block.x() * lines;
    const std::int64_t plane = block.y();
    block.for_each(lines * low_pass.outputs, [&](int index) {
      const int row = first + index / low_pass.outputs;
      const int output = index % low_pass.outputs;
      if (row >= height) return;
      averages[(plane * height + row) * low_pass.outputs + output] =
          low_pass.sum(output, [&](int column) { return planes.at(plane, row, column); });
    });
  }
};

/// Wavelet planes -> |x * psi| and its averages. Blocks: (rows / lines, wavelet planes).
template <class Fft>
struct ModulusRows {
  using T = typename Fft::Real;
  Fft fft;
  const Complex<T>* wavelets;
  LowPass<T> low_pass;
  int height;
  T* averages;  ///< (plane, height, outputs), or null
  T* moduli;    ///< (plane, height, width), or null

  std::size_t shared_bytes() const {
    return sizeof(Complex<T>) * (fft.template shared_elements<Order::AlongLines>() + (fft.lines() * row_size() + 1) / 2);
  }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int width = fft.length();
    const int first = block.x() * fft.lines();
    const std::int64_t first_row = static_cast<std::int64_t>(block.y()) * height + first;
    auto* const room = static_cast<Complex<T>*>(block.shared());
    auto* const rows = reinterpret_cast<T*>(room + fft.template shared_elements<Order::AlongLines>());
    const auto is_row = [&](int line) { return first + line < height; };
    fft.template transform<Direction::Inverse, Order::AlongLines>(
        block, room,
        [&](int line, int n) {
          return is_row(line) ? wavelets[(first_row + line) * width + n] : Complex<T>{0, 0};
        },
        [&](int line, int k, Complex<T> value) {
          const T modulus = modulus_of(value);
          rows[line * row_size() + place(k)] = modulus;
          if (moduli != nullptr && is_row(line)) moduli[(first_row + line) * width + k] = modulus;
        });
    if (averages == nullptr) return;
    block.for_each(fft.lines() * low_pass.outputs, [&](int index) {
      const int line = index / low_pass.outputs;
      const int output = index % low_pass.outputs;
      if (!is_row(line)) return;
      averages[(first_row + line) * low_pass.outputs + output] =
          low_pass.sum(output, [&](int column) { return rows[line * row_size() + place(column)]; });
    });
  }

  SCATLIGHT_HD static T modulus_of(Complex<T> value) {
    return square_root(value.re * value.re + value.im * value.im);
  }

 private:
  // Neighbouring outputs read samples 2^level apart; a gap after so many keeps them in different banks.
  SCATLIGHT_HD int place(int column) const {
    return low_pass.level == 0 ? column : column + (column >> low_pass.level);
  }
  SCATLIGHT_HD int row_size() const { return place(fft.length()) | 1; }
};

/// Averages -> features. Blocks: (outputs / threads, paths, sources). A source is number `source % per_plane` of its
/// plane.
template <class T, class F>
struct AverageColumns {
  const T* averages;  ///< (source, path, height, width)
  LowPass<T> low_pass;
  int paths;
  int width;
  int per_block;  ///< outputs of a block
  int per_plane;
  std::int64_t first_source;
  int first_map;
  int maps_per_source;
  FeatureView<F> features;

  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const std::int64_t source = first_source + block.z();
    const int map = first_map + static_cast<int>(source % per_plane) * maps_per_source + block.y();
    const T* const plane =
        averages + (static_cast<std::int64_t>(block.z()) * paths + block.y()) * low_pass.length * width;
    block.for_each(per_block, [&](int index) {
      const int at = block.x() * per_block + index;
      const int row = at / width;
      const int column = at % width;
      if (row >= low_pass.outputs) return;
      const T value = low_pass.sum(row, [&](int from) { return plane[from * width + column]; });
      features.at(source / per_plane, map, row, column) = Convert<F>::from(value);
    });
  }
};

}  // namespace scatlight::cuda
