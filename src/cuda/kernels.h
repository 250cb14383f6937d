#pragma once

// The kernels of the forward transform. A kernel is a struct of its arguments; its call runs one block:
//
//   block.x(), block.y(), block.z()   which block
//   block.for_each(count, body)       body(0) ... body(count - 1) on the threads of the block, then a barrier
//   block.for_each_once(count, body)  the same for no more bodies than threads
//   block.shared()                    the block's shared memory
//
// Bodies of one loop may not depend on each other. So a block can run on the host, one body after the other,
// and tests do that. Memory is divided so that no two blocks of a launch write the same value or read what
// another writes.
//
// Layouts, row-major, of numbers of T:
//   real plane      (height, width)
//   spectrum        (height, width) complex
//   wavelet planes  (source, angle, height, width) complex: x * psi, first transformed along columns only
//   averages        (source, path, height, output width): |x * psi| after the low-pass along rows
// A source is a real plane that wavelets are applied to: an image plane, or |x * psi| for order 2.

#include <cstdint>

#include "cuda/feature_view.h"
#include "cuda/line_fft.h"

namespace scatlight::cuda {

SCATLIGHT_HD int smaller(int a, int b) { return a < b ? a : b; }

/// phi_J along one axis at one level: weights of the samples at distance -radius ... radius of
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
    const int before_end = smaller(taps, length - first);
    T total = 0;
    for (int t = 0; t < before_end; ++t) total += weights[t] * at(first + t);
    for (int t = before_end; t < taps; ++t) total += weights[t] * at(first + t - length);
    return total;
  }

  /// The adjoint: sum of at(output, its weight) over the outputs that reach the sample.
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
      if (output < 0 || output >= outputs) continue;
      const T weight = weights[sample + radius - (center << level)];
      total += weight * at(output, weight);
    }
    return total;
  }
};

/// Real planes, or images that are continued to planes.
template <class T>
struct RealPlanes {
  const T* data;
  std::int64_t plane_size;  ///< values from one to the next
  int width;                ///< values from row to row
  const int* rows;     ///< the row of data that each row of the plane repeats, or -1 for zeros; null if they
  const int* columns;  ///< are planes. The same for columns.

  SCATLIGHT_HD T at(std::int64_t plane, int row, int column) const {
    if (rows != nullptr) {
      row = rows[row];
      column = columns[column];
      if (row < 0 || column < 0) return 0;
    }
    return data[plane * plane_size + static_cast<std::int64_t>(row) * width + column];
  }
};

/// Real planes -> columns 0 ... width / 2 of their spectra, transformed along rows. Two rows make one complex
/// line. Blocks: (pairs of rows / lines, planes).
template <class Fft>
struct TransformRealRows {
  using T = typename Fft::Real;
  Fft fft;
  RealPlanes<T> planes;
  int height;  ///< even
  Complex<T>* spectra;

  std::size_t shared_bytes() const {
    return sizeof(Complex<T>) *
           (fft.template shared_elements<Order::AlongLines>() + fft.lines() * fft.length());
  }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int width = fft.length();
    const int half = width / 2 + 1;
    const int first = block.x() * fft.lines();
    const std::int64_t plane = block.y();
    auto* const scratch = static_cast<Complex<T>*>(block.shared());
    auto* const pairs = scratch + fft.template shared_elements<Order::AlongLines>();
    const auto row_of = [&](int line) { return 2 * (first + line); };
    fft.template transform<Direction::Forward, Order::AlongLines>(
        block, scratch,
        [&]<int R>(int line, int n, auto stride, Complex<T>(&x)[R]) {
          const int row = smaller(row_of(line), height - 2);
          unroll<R>([&](auto k) {
            x[k] = {planes.at(plane, row, n + k * stride), planes.at(plane, row + 1, n + k * stride)};
          });
        },
        [&](int line, int k, Complex<T> value) { pairs[line * width + k] = value; });
    block.for_each(fft.lines() * half, [&](int index) {
      const int line = index / half;
      const int k = index % half;
      if (row_of(line) >= height) return;
      const Complex<T> value = pairs[line * width + k];
      const Complex<T> mirror = conjugate(pairs[line * width + (k == 0 ? 0 : width - k)]);
      const Complex<T> difference = value - mirror;  // 2 i times the second row's
      Complex<T>* const row = spectra + (plane * height + row_of(line)) * width + k;
      row[0] = T(0.5) * (value + mirror);
      row[width] = T(0.5) * Complex<T>{difference.im, -difference.re};
    });
  }
};

/// Complex planes (height, width), the first `columns` columns of each, transformed along columns in place.
/// With Mirrors, of real planes: the other columns are mirror images of these, and written too.
/// Blocks: (columns / lines, planes).
template <class Fft, Direction direction, bool Mirrors>
struct TransformColumns {
  using T = typename Fft::Real;
  Fft fft;
  int columns;
  int width;
  Complex<T>* planes;

  std::size_t shared_bytes() const {
    return sizeof(Complex<T>) * fft.template shared_elements<Order::AcrossLines>();
  }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int height = fft.length();
    const int first = block.x() * fft.lines();
    Complex<T>* const plane = planes + static_cast<std::int64_t>(block.y()) * height * width;
    fft.template transform<direction, Order::AcrossLines>(
        block, static_cast<Complex<T>*>(block.shared()),
        [&](int line, int n, auto stride, auto& x) {
          load(plane + n * width + smaller(first + line, columns - 1), stride * width, x);
        },
        [&](int line, int k, Complex<T> value) {
          const int column = first + line;
          if (column >= columns) return;
          plane[k * width + column] = value;
          if constexpr (Mirrors) {
            const int mirror = width - column;
            if (mirror < width && mirror >= columns) {
              plane[(k == 0 ? 0 : height - k) * width + mirror] = conjugate(value);
            }
          }
        });
  }
};

/// A source's spectrum is a grid of parts that fall on each other when it is folded to the level of a scale.
/// What a wavelet has in one of them: rows that are not negligible, and where its values there are.
struct FilterPart {
  int first_row;             ///< of the part
  int rows;                  ///< 0 if the wavelet has nothing there
  std::int64_t first_value;  ///< of (rows, columns of the part)
};

/// The parts in which any wavelet of one scale has something.
template <class T>
struct FilterParts {
  int count;
  const int* places;        ///< (count, {row, column}) of a part's first sample in the source's spectrum
  const FilterPart* parts;  ///< (count, angles)
  const T* values;          ///< of all filters, divided by the samples of the source
};

/// Spectra times the wavelets of one scale, folded to the scale's level, transformed along columns: wavelet
/// planes. Blocks: (columns / lines, angles / angles_per_block, sources). Square is for filters of one part
/// that have all its rows, on planes as wide as they are high.
template <class Fft, bool Square>
struct AnalyseColumns {
  using T = typename Fft::Real;
  Fft fft;  ///< of length source_height >> levels
  const Complex<T>* spectra;
  FilterParts<T> filters;
  int angles;
  int angles_per_block;
  int source_height;
  int source_width;
  int width_of_plane;  ///< source_width >> levels
  Complex<T>* wavelets;

  std::size_t shared_bytes() const {
    return sizeof(Complex<T>) * fft.template shared_elements<Order::AcrossLines>();
  }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int height = fft.length();
    const int width = Square ? height : width_of_plane;
    const int first = block.x() * fft.lines();
    const std::int64_t source = block.z();
    const int first_angle = block.y() * angles_per_block;
    const int last_angle = smaller(first_angle + angles_per_block, angles);
    const Complex<T>* const spectrum =
        spectra + source * (Square ? height * width : source_height * source_width);
    for (int angle = first_angle; angle < last_angle; ++angle) {
      Complex<T>* const plane = wavelets + (source * angles + angle) * height * width + first;
      fft.template transform<Direction::Inverse, Order::AcrossLines>(
          block, static_cast<Complex<T>*>(block.shared()),
          [&]<int R>(int line, int n, auto stride, Complex<T>(&x)[R]) {
            const int column = smaller(first + line, width - 1);
            if constexpr (Square) {
              const T* const filter = filters.values + filters.parts[angle].first_value + n * width + column;
              const Complex<T>* const from = spectrum + n * width + column;
              unroll<R>([&](auto k) { x[k] = filter[k * stride * width] * from[k * stride * width]; });
            } else {
              multiply_and_fold(spectrum, angle, column, n, stride, x);
            }
          },
          [&](int line, int k, Complex<T> value) {
            if (first + line < width) plane[k * width + line] = value;
          });
    }
  }

 private:
  template <int R>
  SCATLIGHT_HD void multiply_and_fold(const Complex<T>* spectrum, int angle, int column, int n, int stride,
                                      Complex<T> (&x)[R]) const {
    unroll<R>([&](auto k) { x[k] = {0, 0}; });
    for (int i = 0; i < filters.count; ++i) {
      const FilterPart part = filters.parts[i * angles + angle];
      if (part.rows == 0) continue;
      const T* const filter =
          filters.values + part.first_value + (n - part.first_row) * width_of_plane + column;
      const Complex<T>* const from =
          spectrum + (filters.places[2 * i] + n) * source_width + filters.places[2 * i + 1] + column;
      unroll<R>([&](auto k) {
        const int row = n - part.first_row + k * stride;
        if (row >= 0 && row < part.rows)
          x[k] += filter[k * stride * width_of_plane] * from[k * stride * source_width];
      });
    }
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
    return sizeof(Complex<T>) * fft.template shared_elements<Order::AlongLines>() +
           sizeof(T) * fft.lines() * row_size();
  }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int width = fft.length();
    const int lines = fft.lines();
    const int first = block.x() * lines;
    const std::int64_t first_row = static_cast<std::int64_t>(block.y()) * height;
    auto* const scratch = static_cast<Complex<T>*>(block.shared());
    auto* const rows = reinterpret_cast<T*>(scratch + fft.template shared_elements<Order::AlongLines>());
    const int before = low_pass.radius;
    fft.template transform<Direction::Inverse, Order::AlongLines>(
        block, scratch,
        [&](int line, int n, auto stride, auto& x) {
          load(wavelets + (first_row + smaller(first + line, height - 1)) * width + n, stride, x);
        },
        [&](int line, int k, Complex<T> value) {
          rows[line * row_size() + before + k] = Squared<T>(value).modulus();
        });
    if (moduli != nullptr) {
      block.for_each(lines * width, [&](int index) {
        const int line = index / width;
        const int column = index % width;
        if (first + line >= height) return;
        moduli[(first_row + first + line) * width + column] = rows[line * row_size() + before + column];
      });
    }
    if (averages == nullptr) return;
    // Rows wrap around: what the low-pass reaches before and after them is copied there.
    block.for_each(lines * (low_pass.taps - 1), [&](int index) {
      T* const row = rows + index % lines * row_size();
      const int i = index / lines;
      if (i < before) {
        row[i] = row[i + width];
      } else {
        row[i + width] = row[i];
      }
    });
    // Two lines at a time, which share the weights.
    const int pairs = (lines + 1) / 2;
    block.for_each(pairs * low_pass.outputs, [&](int index) {
      const int line = index % pairs;
      const int output = index / pairs;
      const T* const row = rows + line * row_size() + ((output + low_pass.border) << low_pass.level);
      const T* const other = row + smaller(pairs, lines - 1 - line) * row_size();
      T sum = 0;
      T of_other = 0;
      for (int t = 0; t < low_pass.taps; ++t) {
        sum += low_pass.weights[t] * row[t];
        of_other += low_pass.weights[t] * other[t];
      }
      T* const average = averages + (first_row + first + line) * low_pass.outputs + output;
      if (first + line < height) average[0] = sum;
      if (line + pairs < lines && first + line + pairs < height) average[pairs * low_pass.outputs] = of_other;
    });
  }

 private:
  // Odd, so that neighbouring lines are in different banks.
  SCATLIGHT_HD int row_size() const { return (fft.length() + low_pass.taps - 1) | 1; }
};

/// Which features the averages of consecutive sources are. Of all sources of an order, number i is number
/// i % per_plane of those that image plane i / per_plane gives.
struct SourceMaps {
  std::int64_t first_source = 0;
  int per_plane = 1;
  int first_map = 1;        ///< of the first source of a plane
  int maps_per_source = 0;  ///< from a source's first map to the next one's

  SCATLIGHT_HD std::int64_t plane(int source) const { return (first_source + source) / per_plane; }
  SCATLIGHT_HD int map(int source, int path) const {
    return first_map + static_cast<int>((first_source + source) % per_plane) * maps_per_source + path;
  }
};

/// Averages -> features. Blocks: (outputs / per_block, paths, sources).
template <class T, class F>
struct AverageColumns {
  const T* averages;  ///< (source, path, height, width)
  LowPass<T> low_pass;
  int paths;
  int width;
  int per_block;  ///< outputs of a block
  SourceMaps maps;
  FeatureView<F> features;

  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const std::int64_t image_plane = maps.plane(block.z());
    const int map = maps.map(block.z(), block.y());
    const T* const plane =
        averages + (static_cast<std::int64_t>(block.z()) * paths + block.y()) * low_pass.length * width;
    block.for_each(per_block, [&](int index) {
      const int at = block.x() * per_block + index;
      const int row = at / width;
      const int column = at % width;
      if (row >= low_pass.outputs) return;
      const T value = low_pass.sum(row, [&](int from) { return plane[from * width + column]; });
      features.at(image_plane, map, row, column) = Convert<F>::from(value);
    });
  }
};

}  // namespace scatlight::cuda
