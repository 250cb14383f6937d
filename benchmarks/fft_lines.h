#pragma once

#include "cpu/fft_plan.h"

namespace scatlight::cpu {

/// The vector engine's FFT of one target, by itself: transforms lines of plan.length elements, one after the
/// other, from memory to memory. `work` holds plan.work_elements(), `prime` plan.prime_elements() elements of
/// `lanes` complex numbers; all memory is aligned to 64 bytes.
using FftLines = void (*)(const FftPlan<float>& plan, int lines, float* from, float* to, float* work,
                          float* prime);

namespace N_AVX2 {
void transform_lines(const FftPlan<float>& plan, int lines, float* from, float* to, float* work,
                     float* prime);
}
namespace N_AVX3 {
void transform_lines(const FftPlan<float>& plan, int lines, float* from, float* to, float* work,
                     float* prime);
}
namespace N_NEON {
void transform_lines(const FftPlan<float>& plan, int lines, float* from, float* to, float* work,
                     float* prime);
}

}  // namespace scatlight::cpu
