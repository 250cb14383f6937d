#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu/costs.h"

namespace scatlight::cpu {

/// How to compute one inverse DFT, out[k] = sum_n in[n] exp(+2 pi i n k / length), in stages of small DFTs.
/// (A forward DFT is the same with real and imaginary parts exchanged on both sides.)
///
/// The work buffer holds `length` elements. Stage s sees it as (outer, radix, stride): for each of the outer
/// sub-transforms and each p < stride it transforms the `radix` elements at distance `stride`, in place. The
/// first stage takes its elements from the input at `input`, the last one (stride = 1) gives them to the
/// output at `output`. In memory there is a gap after each sub-transform that the first of several stages
/// leaves: else the elements that it writes together would often stand a power of two apart, where the cache
/// holds few of them.
///
/// Where radix and stride are coprime, prime-factor index maps (Good and Thomas) make twiddle factors
/// unnecessary; elsewhere the stage is one of Cooley and Tukey. The maps of all stages are folded into
/// `input` and `output`.
template <class T>
struct FftPlan {
  struct Stage {
    int radix = 1;
    int outer = 1;            ///< sub-transforms
    int stride = 1;           ///< the product of the later radices
    std::vector<T> twiddles;  ///< (stride, radix - 1, {re, im}), or empty
    /// Of a prime that is not compiled: (h, h, {cos, sin}) of 2 pi j k / radix, j and k in 1..h.
    std::vector<T> rotation;
  };

  /// A length of 2 or more; how many values a vector has decides which stages are fastest.
  FftPlan(int length, int lanes);

  /// In stages of these radices, in their order; their product is the length, 2 or more.
  explicit FftPlan(const std::vector<int>& radices);

  int length;
  std::vector<Stage> stages;
  std::vector<std::int32_t> input;   ///< (stride, radix) of the first stage
  std::vector<std::int32_t> output;  ///< (outer, radix) of the last stage
  int largest_loop = 1;              ///< the largest radix that is not compiled, or 1

  int work_gap = 0;  ///< elements
  int work_elements() const { return length + stages.front().radix * work_gap; }
  int prime_elements() const { return 2 * largest_loop; }  ///< of scratch for radices that are not compiled
};

/// The radices that take a length apart and cost the least.
std::vector<int> cheapest_radices(int length, const FftCosts& costs);

/// What FftPlan expects its transform to take, in nanoseconds per element. Tells lengths apart, not vectors.
double fft_cost(int length, const FftCosts& costs);
inline double fft_cost(int length, int vector_bytes) { return fft_cost(length, fft_costs(vector_bytes)); }

/// Whether costs.h lists this radix, so that its DFTs are compiled and not a loop.
bool is_compiled(int radix);

}  // namespace scatlight::cpu
