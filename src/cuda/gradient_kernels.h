#pragma once

// The kernels of the gradient; kernels.h says what a kernel is. Wavelet planes, transformed along columns,
// are made again by AnalyseColumns, and become the gradient with respect to them in place.

#include "cuda/kernels.h"

namespace scatlight::cuda {

/// Feature gradients -> those of the averages: the adjoint of AverageColumns.
/// Blocks: (averages / per_block, paths, sources).
template <class T, class F>
struct AverageColumnsAdjoint {
  FeatureView<const F> gradients;
  LowPass<T> low_pass;
  int paths;
  int width;
  int per_block;
  SourceMaps maps;
  T* averages;  ///< (source, path, length, width)

  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const std::int64_t image_plane = maps.plane(block.z());
    const int map = maps.map(block.z(), block.y());
    T* const plane =
        averages + (static_cast<std::int64_t>(block.z()) * paths + block.y()) * low_pass.length * width;
    block.for_each(per_block, [&](int index) {
      const int at = block.x() * per_block + index;
      const int row = at / width;
      const int column = at % width;
      if (row >= low_pass.length) return;
      plane[at] = low_pass.adjoint(row, [&](int output, T) {
        return static_cast<T>(to_real(gradients.at(image_plane, map, output, column)));
      });
    });
  }
};

/// Wavelet planes and the gradient of |x * psi| -> the gradient of x * psi, transformed along rows, in place.
/// Blocks: (rows / lines, wavelet planes).
template <class Fft>
struct DifferentiateRows {
  using T = typename Fft::Real;
  Fft fft;
  Complex<T>* wavelets;
  LowPass<T> low_pass;
  int height;
  const T* averages;  ///< gradient of the averages: (plane, height, outputs)
  const T* moduli;    ///< what order 2 adds to the gradient of |x * psi|: (plane, height, width), or null

  std::size_t shared_bytes() const {
    return sizeof(Complex<T>) *
           (fft.template shared_elements<Order::AlongLines>() + fft.lines() * fft.length());
  }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int width = fft.length();
    const int lines = fft.lines();
    const int first = block.x() * lines;
    const std::int64_t first_row = static_cast<std::int64_t>(block.y()) * height;
    auto* const scratch = static_cast<Complex<T>*>(block.shared());
    auto* const rows = scratch + fft.template shared_elements<Order::AlongLines>();
    const auto row_of = [&](int line) { return first_row + smaller(first + line, height - 1); };
    // The gradient of |x * psi|, in the real parts of rows. Two lines at a time share the weights.
    const int pairs = (lines + 1) / 2;
    block.for_each(pairs * width, [&](int index) {
      const int line = index / width;
      const int column = index % width;
      const T* const of_row = averages + row_of(line) * low_pass.outputs;
      const T* const of_other = averages + row_of(smaller(line + pairs, lines - 1)) * low_pass.outputs;
      T other = 0;
      T sum = low_pass.adjoint(column, [&](int output, T weight) {
        other += weight * of_other[output];
        return of_row[output];
      });
      if (moduli != nullptr) {
        sum += moduli[row_of(line) * width + column];
        other += moduli[row_of(smaller(line + pairs, lines - 1)) * width + column];
      }
      rows[line * width + column].re = sum;
      if (line + pairs < lines) rows[(line + pairs) * width + column].re = other;
    });
    fft.template transform<Direction::Inverse, Order::AlongLines>(
        block, scratch,
        [&](int line, int n, auto stride, auto& x) { load(wavelets + row_of(line) * width + n, stride, x); },
        [&](int line, int k, Complex<T> value) {
          Complex<T>& gradient = rows[line * width + k];
          gradient = gradient.re * Squared<T>(value).direction();  // that of the modulus
        });
    fft.template transform<Direction::Forward, Order::AlongLines>(
        block, scratch,
        [&](int line, int n, auto stride, auto& x) { load(rows + line * width + n, stride, x); },
        [&](int line, int k, Complex<T> value) {
          if (first + line < height) wavelets[(first_row + first + line) * width + k] = value;
        });
  }
};

/// The gradients of wavelet planes, transformed along rows -> that of the source's spectrum: transformed
/// along columns, unfolded, times the wavelets, added up over the angles. The mirror images of the
/// frequencies are as good as they are; who takes the real part in space adds them. Blocks: (columns / lines,
/// sources).
template <class Fft>
struct CollectColumns {
  using T = typename Fft::Real;
  Fft fft;  ///< of length source_height >> levels
  Complex<T>* wavelets;
  FilterParts<T> filters;  ///< all parts of the spectrum, unless `adds`
  int angles;
  int angles_at_once;  ///< whose columns are in shared memory together
  int source_height;
  int source_width;
  int width;   ///< source_width >> levels
  bool adds;   ///< to what is there
  bool keeps;  ///< the wavelet planes transformed along columns too, in place
  Complex<T>* gradients;

  std::size_t shared_bytes() const {
    return sizeof(Complex<T>) * (fft.template shared_elements<Order::AcrossLines>() +
                                 static_cast<std::size_t>(angles_at_once) * fft.lines() * fft.length());
  }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int height = fft.length();
    const int lines = fft.lines();
    const int first = block.x() * lines;
    const std::int64_t source = block.y();
    auto* const scratch = static_cast<Complex<T>*>(block.shared());
    auto* const columns = scratch + fft.template shared_elements<Order::AcrossLines>();
    Complex<T>* const gradient = gradients + source * source_height * source_width;
    for (int first_angle = 0; first_angle < angles; first_angle += angles_at_once) {
      const int count = smaller(angles - first_angle, angles_at_once);
      for (int angle = 0; angle < count; ++angle) {
        Complex<T>* const plane = wavelets + (source * angles + first_angle + angle) * height * width;
        Complex<T>* const of_angle = columns + angle * height * lines;
        fft.template transform<Direction::Forward, Order::AcrossLines>(
            block, scratch,
            [&](int line, int n, auto stride, auto& x) {
              load(plane + n * width + smaller(first + line, width - 1), stride * width, x);
            },
            [&](int line, int k, Complex<T> value) {
              of_angle[k * lines + line] = value;
              if (keeps && first + line < width) plane[k * width + first + line] = value;
            });
      }
      const bool adds_now = adds || first_angle > 0;
      for (int i = 0; i < filters.count; ++i) {
        const FilterPart* const parts = filters.parts + i * angles + first_angle;
        Complex<T>* const of_part =
            gradient + filters.places[2 * i] * source_width + filters.places[2 * i + 1] + first;
        block.for_each(height * lines, [&](int index) {
          const int line = index % lines;
          const int row = index / lines;
          if (first + line >= width) return;
          Complex<T> sum = {0, 0};
          for (int angle = 0; angle < count; ++angle) {
            const FilterPart part = parts[angle];
            const int r = row - part.first_row;
            if (r < 0 || r >= part.rows) continue;
            sum += filters.values[part.first_value + r * width + first + line] *
                   columns[(angle * height + row) * lines + line];
          }
          Complex<T>& value = of_part[row * source_width + line];
          value = adds_now ? value + sum : sum;
        });
      }
    }
  }
};

/// Complex planes, transformed along columns -> the real part of their transform along rows.
/// Blocks: (rows / lines, planes).
template <class Fft>
struct RealPartOfRows {
  using T = typename Fft::Real;
  Fft fft;
  const Complex<T>* planes;
  int height;
  T* real_planes;

  std::size_t shared_bytes() const {
    return sizeof(Complex<T>) * fft.template shared_elements<Order::AlongLines>();
  }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int width = fft.length();
    const int first = block.x() * fft.lines();
    const std::int64_t first_row = static_cast<std::int64_t>(block.y()) * height;
    fft.template transform<Direction::Inverse, Order::AlongLines>(
        block, static_cast<Complex<T>*>(block.shared()),
        [&](int line, int n, auto stride, auto& x) {
          load(planes + (first_row + smaller(first + line, height - 1)) * width + n, stride, x);
        },
        [&](int line, int k, Complex<T> value) {
          if (first + line < height) real_planes[(first_row + first + line) * width + k] = value.re;
        });
  }
};

/// Which padded indices of an axis repeat each image index: indices[begin[i]] ... indices[begin[i + 1] - 1].
struct Repeats {
  const int* begin;    ///< (image size + 1)
  const int* indices;  ///< (at most padded size)
};

/// The gradient of the padded plane, and of order 0, -> that of the image: the adjoint of padding.
/// Blocks: (pixels / per_block, planes).
template <class T>
struct GatherImage {
  const T* planes;    ///< gradient through order 1 and 2: (plane, padded height, padded width), or null
  const T* averages;  ///< gradient of the averages of order 0: (plane, padded height, outputs)
  LowPass<T> low_pass;
  Repeats rows;
  Repeats columns;
  int padded_height;
  int height;
  int width;
  int per_block;
  T* images;  ///< (plane, height, width)

  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const std::int64_t plane = block.y();
    block.for_each(per_block, [&](int index) {
      const std::int64_t at = static_cast<std::int64_t>(block.x()) * per_block + index;
      if (at >= static_cast<std::int64_t>(height) * width) return;
      const int row = static_cast<int>(at / width);
      const int column = static_cast<int>(at % width);
      T sum = 0;
      for (int r = rows.begin[row]; r < rows.begin[row + 1]; ++r) {
        const std::int64_t padded_row = plane * padded_height + rows.indices[r];
        const T* const of_row = averages + padded_row * low_pass.outputs;
        for (int c = columns.begin[column]; c < columns.begin[column + 1]; ++c) {
          const int padded_column = columns.indices[c];
          if (planes != nullptr) sum += planes[padded_row * low_pass.length + padded_column];
          sum += low_pass.adjoint(padded_column, [&](int output, T) { return of_row[output]; });
        }
      }
      images[plane * height * width + at] = sum;
    });
  }
};

}  // namespace scatlight::cuda
