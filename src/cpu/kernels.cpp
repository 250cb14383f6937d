// The kernels of every instruction set: foreach_target.h includes this file once for each.

// One target for each vector width: what lies between gains nothing for this arithmetic.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels.cpp"
#include <hwy/foreach_target.h>

#include "cpu/kernels-inl.h"

#if HWY_ONCE
namespace scatlight::cpu {

// The processor is asked through the compiler's run-time library, so that nothing of Highway has to be
// linked.
template <class T>
std::vector<Kernels<T>> available_kernels() {
  std::vector<Kernels<T>> kernels;
#if HWY_TARGETS & HWY_SCALAR
  kernels.push_back(N_SCALAR::make_kernels<T>("baseline"));
#endif
#if HWY_TARGETS & HWY_EMU128
  kernels.push_back(N_EMU128::make_kernels<T>("baseline"));
#endif
#if HWY_TARGETS & HWY_NEON
  kernels.push_back(N_NEON::make_kernels<T>("neon"));
#endif
#if HWY_TARGETS & HWY_SSE4
  if (__builtin_cpu_supports("sse4.2")) kernels.push_back(N_SSE4::make_kernels<T>("sse4"));
#endif
#if HWY_TARGETS & HWY_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels.push_back(N_AVX2::make_kernels<T>("avx2"));
  }
#endif
#if HWY_TARGETS & HWY_AVX3
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512cd")) {
    kernels.push_back(N_AVX3::make_kernels<T>("avx512"));
  }
#endif
  return kernels;
}

template std::vector<Kernels<float>> available_kernels<float>();
template std::vector<Kernels<double>> available_kernels<double>();

}  // namespace scatlight::cpu
#endif
