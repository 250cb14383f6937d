#include "cpu/kernels.h"

#include "cpu/targets.h"

namespace scatlight::cpu {

#define SCATLIGHT_DECLARE_KERNELS(target)         \
  namespace target {                              \
  template <class T>                              \
  Kernels<T> make_kernels(std::string_view name); \
  }
SCATLIGHT_DECLARE_KERNELS(N_SCALAR)
SCATLIGHT_DECLARE_KERNELS(N_EMU128)
SCATLIGHT_DECLARE_KERNELS(N_NEON)
SCATLIGHT_DECLARE_KERNELS(N_SSE4)
SCATLIGHT_DECLARE_KERNELS(N_AVX2)
SCATLIGHT_DECLARE_KERNELS(N_AVX3)

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
