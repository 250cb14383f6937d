#include "cpu/fft_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <complex>
#include <numbers>

namespace scatlight::cpu {
namespace {

using Complex = std::complex<double>;

// The plan carried out literally: plain DFTs for the small ones.
std::vector<Complex> execute(const FftPlan<double>& plan, const std::vector<Complex>& in) {
  std::vector<Complex> work(plan.length);
  std::vector<Complex> out(plan.length);
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    const auto& stage = plan.stages[s];
    for (int outer = 0; outer < stage.outer; ++outer) {
      for (int p = 0; p < stage.stride; ++p) {
        const auto at = [&](int q) { return (outer * stage.radix + q) * stage.stride + p; };
        std::vector<Complex> x(stage.radix);
        for (int q = 0; q < stage.radix; ++q)
          x[q] = s == 0 ? in[plan.input[p * stage.radix + q]] : work[at(q)];
        for (int k = 0; k < stage.radix; ++k) {
          Complex sum = 0;
          for (int q = 0; q < stage.radix; ++q) {
            sum += x[q] * std::polar(1.0, 2 * std::numbers::pi * (k * q % stage.radix) / stage.radix);
          }
          if (k > 0 && !stage.twiddles.empty()) {
            const double* factor = &stage.twiddles[2 * (p * (stage.radix - 1) + k - 1)];
            sum *= Complex(factor[0], factor[1]);
          }
          work[at(k)] = sum;
        }
      }
    }
  }
  for (int i = 0; i < plan.length; ++i) out[plan.output[i]] = work[i];
  return out;
}

TEST(FftPlan, EveryLengthIsAnInverseTransform) {
  for (int length = 2; length <= 330; ++length) {
    std::vector<Complex> in(length);
    for (int n = 0; n < length; ++n) in[n] = {std::cos(3.0 * n * n), std::sin(5.0 * n)};
    std::vector<Complex> expected(length);
    for (int k = 0; k < length; ++k) {
      for (int n = 0; n < length; ++n)
        expected[k] += in[n] * std::polar(1.0, 2 * std::numbers::pi * (n * k % length) / length);
    }
    for (const int lanes : {4, 8}) {
      const auto out = execute(FftPlan<double>(length, lanes), in);
      double worst = 0;
      for (int k = 0; k < length; ++k) worst = std::max(worst, std::abs(expected[k] - out[k]));
      ASSERT_LT(worst, 1e-11 * length) << length << ", vectors of " << lanes;
    }
  }
}

// 240 = 3 x 5 x 16: only within the power of two are factors not coprime.
TEST(FftPlan, CoprimeStagesNeedNoTwiddles) {
  const auto with_twiddles = [](int length) {
    const FftPlan<float> plan(length, 8);
    return std::ranges::count_if(plan.stages, [](const auto& stage) { return !stage.twiddles.empty(); });
  };
  EXPECT_EQ(with_twiddles(240), 0);  // 15 x 16
  EXPECT_EQ(with_twiddles(256), 1);  // 16 x 16
}

}  // namespace
}  // namespace scatlight::cpu
