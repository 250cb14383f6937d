#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

// What the parts of the transform take: all figures of the engine that depend on the machine. They decide
// which of several ways is taken, never whether a result is right; each way gives the same numbers to
// rounding.
//
// Times are in nanoseconds. Where nothing else is said they were fitted to times of an AMD EPYC of Zen 4
// at 3.7 GHz (AVX-512, L2 of 1 MB); those of narrow vectors to an AMD EPYC of Zen 3 at 3.2 GHz (AVX2, L2 of
// 512 KB). benchmarks/fit_costs.cpp fits the costs of FFTs and transfers on another machine, prints them as
// they stand here, and says what these ones lose there against the best choice. The others were found by
// trials of the whole transform.

namespace scatlight::cpu {

/// What a stage of an FFT takes per element; and what more (or less) as the first or the last stage.
struct StageCost {
  double each;
  double first = 0;
  double last = 0;
};

struct RadixCost {
  int radix;
  StageCost stage;
};

struct FftCosts {
  /// The compiled radices; fft-inl.h takes them from here. Of chains of stages that cost the same, the one
  /// whose first radix stands first is the fastest, which decides where a new one goes.
  std::array<RadixCost, 11> radices;
  double twiddle;          ///< of a stage with twiddle factors, more
  double prime;            ///< of any other prime, whose DFT is a loop over the square of its elements:
  double prime_per_radix;  ///< prime + prime_per_radix * radix
};

/// Of vectors of up to 32 bytes, with all data in the L1 cache (so loads and stores count less than below).
inline constexpr FftCosts narrow_fft_costs{.radices = {{{15, {1.5}},
                                                        {2, {0.45}},
                                                        {3, {0.65}},
                                                        {4, {0.65}},
                                                        {5, {0.9}},
                                                        {6, {0.9}},
                                                        {7, {1.5}},
                                                        {8, {1.3}},
                                                        {11, {3.2}},
                                                        {13, {4.0}},
                                                        {16, {1.35}}}},
                                           .twiddle = 0.35,
                                           .prime = 1,
                                           .prime_per_radix = 0.3};

/// Of vectors of 64 bytes, by some 500 chains, run as the transform runs them: columns from L2 and
/// rows from L1.
inline constexpr FftCosts wide_fft_costs{.radices = {{{15, {3.05, 0, -0.05}},
                                                      {2, {1.4, 0.15, 0.3}},
                                                      {3, {1.55, 0.15, 0.4}},
                                                      {4, {1.6, 0.1, 0.15}},
                                                      {5, {2.0, 0, 0.25}},
                                                      {6, {1.95, 0.05, 0.1}},
                                                      {7, {2.2, 0, 0.35}},
                                                      {8, {2.3, -0.05, -0.25}},
                                                      {11, {4.1, -0.05, 0}},
                                                      {13, {5.2, 0.15, -0.3}},
                                                      {16, {3.05, 0.15, -0.3}}}},
                                         .twiddle = 0.3,
                                         .prime = 2,
                                         .prime_per_radix = 0.35};

static_assert(std::ranges::equal(narrow_fft_costs.radices, wide_fft_costs.radices, {}, &RadixCost::radix,
                                 &RadixCost::radix));

/// Whether vectors have 64 bytes: costs are known for these and for those of up to 32.
inline bool is_wide(int vector_bytes) { return vector_bytes >= 64; }

inline const FftCosts& fft_costs(int vector_bytes) {
  return is_wide(vector_bytes) ? wide_fft_costs : narrow_fft_costs;
}

/// What a vector takes in one of the two passes of a plane beside its FFT: per_vector + per_megabyte * m,
/// where the complex plane has m megabytes, of which 16 count at most. Fitted to planes and tiles of 64 x 64
/// to 1056 x 1056.
struct TransferCost {
  double per_vector;
  double per_megabyte;
};
/// Of vectors of 32 bytes on Zen 4; shorter ones take as much less.
inline constexpr TransferCost narrow_transfer{3.25, 0.75};
inline constexpr TransferCost wide_transfer{3.5, 1.5};

/// What a vector takes in a vector-radix plan (cpu/vector_radix.h): of_factor() of each axis, which is 16
/// times that factor long, and per_megabyte of the complex plane.
struct VectorRadixCost {
  double per_megabyte;

  static constexpr double of_factor(int factor) {
    switch (factor) {
      case 11:
        return 8.3;
      case 13:
        return 9.0;
      case 16:
        return 7.8;
      case 21:
        return 7.4;
      default:
        return 6.8;
    }
  }
};
inline constexpr VectorRadixCost vector_radix{4.1};

/// What a choice of tiles counts beside transforms and transfers.
struct TilingCost {
  // Half of the finest spectrum is read to be folded: of a vector of 32 bytes of the result, whatever the
  // plane's size and, if the half has 1 MB or more, beside it.
  double fold = 2.5;
  double fold_from_memory = 5;
  double seam = 1;         ///< Of a vector of 32 bytes where tiles stand side by side.
  double analysis = 0.2;   ///< Of a level: this share of the image's own transform.
  double worth_it = 0.97;  ///< What tiles may take at most in place of the whole plane, as a share.
};
inline constexpr TilingCost tiling_cost;

/// What phi_J takes along a line, of a vector of 64 bytes. All engines choose by these, and so the same.
struct LowPassCost {
  double vertical_tap = 0.3;     ///< Of a weight, where the samples of the line do not stand side by side,
  double horizontal_tap = 0.22;  ///< and where they do.
  double spectral = 3.6;         ///< Beside each of two FFTs, of two lines at a time.
  double halves = 3;             ///< Of taking a line apart into halves.
};
inline constexpr LowPassCost low_pass_cost;

/// How work is handed out. Sizes of memory are in bytes.
struct WorkSizes {
  /// Planes whose spectra take less share vectors: with an L2 of 1 MB, 64 x 64 planes gain 25 %, 96 x 96
  /// still some.
  std::size_t largest_shared = 64 << 10;
  /// Rows of a level that are shorter have 8 lanes rather than 16, which would be half empty: one plane of 32
  /// x 32 took 1.2 times (order 1) and 1.4 times (order 2) as long with 16.
  int short_row = 24;
  std::int64_t spectra_of_thread = 2 << 20;  ///< Of planes on which the threads work between two waits.
  std::int64_t fewest_packs = 3;  ///< And so many packs of planes at least, that no thread waits long.
  std::int64_t samples_of_grain = 1 << 16;  ///< Padded samples that are handed to a thread at once.
  /// Planes whose gradients of wavelets are added up in the same sums, or more where there would be too many
  /// shares or they would take too many bytes: what a share begins and ends with shows beside a few planes.
  std::int64_t planes_of_share = 8;
  std::int64_t packs_for_sums = 4;  ///< Of a share, that one group after the other is done for.
  std::int64_t most_shares = 16;
  std::int64_t wavelet_sums = 256 << 20;
  std::size_t prefetched = 384 << 10;  ///< Of the next task, into L2: it leaves room for the present one's.
};
inline constexpr WorkSizes work_sizes;

}  // namespace scatlight::cpu
