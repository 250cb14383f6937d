// Built once for each target, as src/cpu/target_kernels.cpp is.

#include "fft_lines.h"

#include "cpu/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fft_lines.cpp"
#include <hwy/foreach_target.h>

#if HWY_TARGET & (SCATLIGHT_TARGETS)
#undef HWY_TARGET_TOGGLE
#include "cpu/fft-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

HWY_ATTR void transform_lines(const FftPlan<float>& plan, int lines, float* from, float* to, float* work,
                              float* prime) {
  using D = hn::ScalableTag<float>;
  const D d;
  const auto line_size = static_cast<std::size_t>(plan.length) * 2 * hn::Lanes(d);
  for (int line = 0; line < lines; ++line) {
    transform<Direction::Inverse>(d, plan, Elements<D>{from + line * line_size}, Buffer<D>{work}, prime,
                                  Elements<D>{to + line * line_size});
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
