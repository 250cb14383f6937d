// The vector kernels of every instruction set: foreach_target.h includes this file once for each.

#include "data/resize_kernels.h"

#include <algorithm>

// Wider vectors than AVX2's gain nothing here, and the plain loops below serve processors without SSE4.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "data/resize_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace scatlight::data::HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

namespace hn = hwy::HWY_NAMESPACE;

/// A vector holds R, G, B of one pixel, and R of the next for nothing.
void along_row(const std::uint8_t* source, const Taps& taps, std::uint8_t* target) {
  const hn::FixedTag<std::int32_t, 4> d;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const std::size_t outputs = taps.first.size();
  const auto output = [&](std::size_t i) HWY_ATTR {
    const auto* pixel = source + std::ptrdiff_t{3} * taps.first[i];
    const auto* weight = taps.weight.data() + i * static_cast<std::size_t>(taps.most);
    auto sum = hn::Set(d, 1 << (resize_fraction_bits - 1));
    for (int k = 0; k < taps.count[i]; ++k, pixel += 3) {
      const auto samples = hn::PromoteTo(d, hn::LoadU(bytes, pixel));
      sum = hn::Add(sum, hn::Mul(samples, hn::Set(d, weight[k])));
    }
    return hn::DemoteTo(bytes, hn::ShiftRight<resize_fraction_bits>(sum));
  };
  // The fourth byte falls on the next pixel, which is written after it; the last pixel has none.
  for (std::size_t i = 0; i + 1 < outputs; ++i) hn::StoreU(output(i), bytes, target + 3 * i);
  std::uint8_t last[4];
  hn::StoreU(output(outputs - 1), bytes, last);
  std::copy_n(last, 3, target + 3 * (outputs - 1));
}

void across_rows(const std::uint8_t* rows, std::ptrdiff_t pitch, std::span<const std::int32_t> weights,
                 std::size_t length, std::uint8_t* target) {
  const hn::ScalableTag<std::int32_t> d;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const std::size_t lanes = hn::Lanes(d);
  const auto half = hn::Set(d, 1 << (resize_fraction_bits - 1));
  const auto blend = [&](std::size_t x) HWY_ATTR {  // two vectors at a time: the multiplier is slow to answer
    const auto* sample = rows + x;
    auto sum0 = half;
    auto sum1 = half;
    for (const auto w : weights) {
      const auto weight = hn::Set(d, w);
      sum0 = hn::Add(sum0, hn::Mul(hn::PromoteTo(d, hn::LoadU(bytes, sample)), weight));
      sum1 = hn::Add(sum1, hn::Mul(hn::PromoteTo(d, hn::LoadU(bytes, sample + lanes)), weight));
      sample += pitch;
    }
    hn::StoreU(hn::DemoteTo(bytes, hn::ShiftRight<resize_fraction_bits>(sum0)), bytes, target + x);
    hn::StoreU(hn::DemoteTo(bytes, hn::ShiftRight<resize_fraction_bits>(sum1)), bytes, target + x + lanes);
  };
  if (length < 2 * lanes) {
    available_resize_kernels().front().across_rows(rows, pitch, weights, length, target);
    return;
  }
  for (std::size_t x = 0; x + 2 * lanes <= length; x += 2 * lanes) blend(x);
  blend(length - 2 * lanes);  // the rest, and some bytes again
}

ResizeKernels make_kernels(std::string_view name) { return {name, along_row, across_rows}; }

#endif
}  // namespace scatlight::data::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scatlight::data {
namespace {

constexpr std::int32_t half = 1 << (resize_fraction_bits - 1);

std::uint8_t round_to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> resize_fraction_bits, 0, 255));
}

void along_row_plain(const std::uint8_t* source, const Taps& taps, std::uint8_t* target) {
  for (std::size_t i = 0; i < taps.first.size(); ++i, target += 3) {
    const auto* pixel = source + std::ptrdiff_t{3} * taps.first[i];
    std::int32_t red = half;
    std::int32_t green = half;
    std::int32_t blue = half;
    for (const auto weight : taps.weights(i)) {
      red += weight * pixel[0];
      green += weight * pixel[1];
      blue += weight * pixel[2];
      pixel += 3;
    }
    target[0] = round_to_byte(red);
    target[1] = round_to_byte(green);
    target[2] = round_to_byte(blue);
  }
}

void across_rows_plain(const std::uint8_t* rows, std::ptrdiff_t pitch, std::span<const std::int32_t> weights,
                       std::size_t length, std::uint8_t* target) {
  for (std::size_t x = 0; x < length; ++x) {
    std::int32_t sum = half;
    const auto* sample = rows + x;
    for (const auto weight : weights) {
      sum += weight * *sample;
      sample += pitch;
    }
    target[x] = round_to_byte(sum);
  }
}

// The processor is asked through the compiler's run-time library, so that nothing of Highway has to be
// linked.
std::vector<ResizeKernels> find_kernels() {
  std::vector<ResizeKernels> kernels = {{"plain", along_row_plain, across_rows_plain}};
#if HWY_TARGETS & HWY_NEON
  kernels.push_back(N_NEON::make_kernels("neon"));
#endif
#if HWY_TARGETS & HWY_SSE4
  if (__builtin_cpu_supports("sse4.2")) kernels.push_back(N_SSE4::make_kernels("sse4"));
#endif
#if HWY_TARGETS & HWY_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels.push_back(N_AVX2::make_kernels("avx2"));
  }
#endif
  return kernels;
}

}  // namespace

const std::vector<ResizeKernels>& available_resize_kernels() {
  static const auto kernels = find_kernels();
  return kernels;
}

}  // namespace scatlight::data
#endif
