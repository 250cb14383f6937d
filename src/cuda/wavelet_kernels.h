#pragma once

// The kernels of the gradient with respect to the wavelets; kernels.h says what a kernel is.
//
// For a source with the spectrum X at a scale whose wavelet planes' gradients have the spectra G, the
// gradient of psi^ is Re(conj(X) G), where X is a grid of parts that are folded onto the samples of G. So
// each sample of G belongs to a product of a column of parts and a row of angles, which is added up over the
// sources. A thread has a tile of some parts by some angles, so that what it reads is used several times.
//
// What that adds to a backward pass, for each source of N complex samples and each scale with n = N / parts:
//   the spectra G are kept by CollectColumns:    L n complex numbers written
//   they are read again, with X:                 L n (parts / Parts) and N (L / Angles) complex numbers read
//   the sums are added to those in memory:       2 L N of float64, once for all sources in memory
//   arithmetic:                                  4 L N operations of float64
// For a plane of 224 x 224 with J = 3 and L = 8, order 1, on an H200, these are 30 N complex numbers of
// float32 beside the 114 N that its forward and backward pass read and write, and 5.5 million operations
// beside about 120 million; with order 2, 130 N beside 584 N.

#include "cuda/kernels.h"

namespace scatlight::cuda {

/// Blocks: (values / per_block).
struct SetToZero {
  double* values;
  std::int64_t count;
  int per_block;

  static std::size_t shared_bytes() { return 0; }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    block.for_each(per_block, [&](int index) {
      const std::int64_t at = static_cast<std::int64_t>(block.x()) * per_block + index;
      if (at < count) values[at] = 0;
    });
  }
};

/// Spectra of sources and those of the gradients of their wavelet planes at one scale -> what they add to the
/// gradient of the scale's wavelets. Each block adds to values of its own, and sums are made in an order that
/// does not depend on time. Products are float64, as those of float32 numbers may go beyond float32.
/// Blocks: (samples of a wavelet plane / samples() times parts / Parts, angles / Angles).
template <class T, int Parts, int Angles>
struct CorrelateSpectra {
  const Complex<T>* spectra;    ///< (source, source height, source width)
  const Complex<T>* gradients;  ///< (source, angle, height, width)
  int sources;
  int angles;
  int source_height;
  int source_width;
  int levels;  ///< height = source height >> levels, and so the width
  int groups;  ///< of sources, which a block adds up at the same time: a power of two, at most most_groups
  int padded_height;
  int padded_width;
  double* wavelets;  ///< (angle, padded height, padded width)

  static constexpr int threads = 256;
  static constexpr int most_groups = 32;
  static constexpr int tile = Parts * Angles;
  SCATLIGHT_HD int samples() const { return threads / groups; }

  static std::size_t shared_bytes() { return sizeof(double) * tile * threads; }

  template <class Block>
  SCATLIGHT_HD void operator()(Block& block) const {
    const int height = source_height >> levels;
    const int width = source_width >> levels;
    const int count = height * width;
    const int sample_blocks = (count + samples() - 1) / samples();
    const int first_sample = block.x() % sample_blocks * samples();
    const int first_part = block.x() / sample_blocks * Parts;
    const int first_angle = block.y() * Angles;
    auto* const sums = static_cast<double*>(block.shared());  // (tile, groups, samples)
    block.for_each_once(threads, [&](int index) {
      const int sample = smaller(first_sample + index % samples(), count - 1);
      double of_tile[tile];
      unroll<tile>([&](auto i) { of_tile[i] = 0; });
      add_sources(index / samples(), sample, first_part, first_angle, of_tile);
      unroll<tile>([&](auto i) { sums[i * threads + index] = of_tile[i]; });
    });
    const double share = 1.0 / (static_cast<double>(source_height) * source_width);
    block.for_each(tile * samples(), [&](int index) {
      const int sample = first_sample + index % samples();
      const int of_tile = index / samples();
      const int angle = first_angle + of_tile % Angles;
      if (sample >= count || angle >= angles) return;
      double sum = 0;
      for (int group = 0; group < groups; ++group)
        sum += sums[of_tile * threads + group * samples() + index % samples()];
      const int row = row_of(first_part + of_tile / Angles) + sample / width;
      const int column = column_of(first_part + of_tile / Angles) + sample % width;
      wavelets[(static_cast<std::int64_t>(angle) * padded_height +
                in_whole(row, source_height, padded_height)) *
                   padded_width +
               in_whole(column, source_width, padded_width)] += share * sum;
    });
  }

 private:
  // The first sample of a part in the spectrum of a source.
  SCATLIGHT_HD int row_of(int part) const { return (part >> levels) * (source_height >> levels); }
  SCATLIGHT_HD int column_of(int part) const {
    return (part & ((1 << levels) - 1)) * (source_width >> levels);
  }

  // FilterBank::source_of() for even lengths, of which no sample is cut off.
  SCATLIGHT_HD static int in_whole(int k, int length, int whole) {
    return k < length / 2 ? k : whole - length + k;
  }

  SCATLIGHT_HD static Complex<double> in_float64(Complex<T> value) {
    return {static_cast<double>(value.re), static_cast<double>(value.im)};
  }

  SCATLIGHT_HD void add_sources(int group, int sample, int first_part, int first_angle,
                                double (&sums)[tile]) const {
    const int width = source_width >> levels;
    const int size = (source_height >> levels) * width;
    const int row = sample / width;
    const int column = sample % width;
    int of_part[Parts];
    unroll<Parts>([&](auto p) {
      of_part[p] = (row_of(first_part + p) + row) * source_width + column_of(first_part + p) + column;
    });
    int of_angle[Angles];
    unroll<Angles>([&](auto a) { of_angle[a] = smaller(a, angles - 1 - first_angle) * size + sample; });
    const int per_group = (sources + groups - 1) / groups;
    const int last = smaller((group + 1) * per_group, sources);
    for (int source = group * per_group; source < last; ++source) {
      const Complex<T>* const spectrum =
          spectra + static_cast<std::int64_t>(source) * source_height * source_width;
      const Complex<T>* const gradient =
          gradients + (static_cast<std::int64_t>(source) * angles + first_angle) * size;
      Complex<double> x[Parts];
      Complex<double> g[Angles];
      unroll<Parts>([&](auto p) { x[p] = in_float64(spectrum[of_part[p]]); });
      unroll<Angles>([&](auto a) { g[a] = in_float64(gradient[of_angle[a]]); });
      unroll<Parts>([&](auto p) {
        unroll<Angles>([&](auto a) {
          sums[p * Angles + a] += x[p].re * g[a].re;
          sums[p * Angles + a] += x[p].im * g[a].im;
        });
      });
    }
  }
};

}  // namespace scatlight::cuda
