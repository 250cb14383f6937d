#pragma once

#include <bit>
#include <cstdint>

#include "cuda/host_device.h"

namespace scatlight::cuda {

/// The bits of an IEEE number of 16 bits, and of the upper half of a float. Conversions round to nearest,
/// ties to even.
struct Float16 {
  std::uint16_t bits;
};
struct BFloat16 {
  std::uint16_t bits;
};

SCATLIGHT_HD std::uint32_t bits_of(float value) {
#ifdef __CUDA_ARCH__
  return __float_as_uint(value);
#else
  return std::bit_cast<std::uint32_t>(value);
#endif
}
SCATLIGHT_HD float float_of(std::uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  return std::bit_cast<float>(bits);
#endif
}

// A value without its last `dropped` bits.
SCATLIGHT_HD std::uint32_t rounded(std::uint32_t value, int dropped) {
  const std::uint32_t half = (1U << (dropped - 1)) - 1;
  return (value + half + (value >> dropped & 1)) >> dropped;
}

template <class To>
struct Convert {
  template <class From>
  SCATLIGHT_HD static To from(From value) {
    return static_cast<To>(value);
  }
};
template <>
struct Convert<BFloat16> {
  SCATLIGHT_HD static BFloat16 from(float value) {
    const std::uint32_t bits = bits_of(value);
    constexpr std::uint32_t quiet = 0x40;
    if (value != value) return {static_cast<std::uint16_t>(bits >> 16 | quiet)};
    return {static_cast<std::uint16_t>(rounded(bits, 16))};
  }
};
template <>
struct Convert<Float16> {
  SCATLIGHT_HD static Float16 from(float value) {
    const std::uint32_t all = bits_of(value);
    const std::uint32_t sign = all >> 16 & 0x8000;
    const std::uint32_t bits = all & 0x7fffffff;
    constexpr std::uint32_t infinity = 0x7c00;
    constexpr std::uint32_t least_normal = 113U << 23;  // 2^-14
    std::uint32_t half = 0;
    if (bits > 0x7f800000) {
      half = infinity | 0x200;
    } else if (bits < least_normal) {
      // Adding 1/2 to a number below 2^-14 rounds it to multiples of 2^-24, the step of what is not normal.
      half = bits_of(float_of(bits) + 0.5F) - bits_of(0.5F);
    } else {
      half = rounded(bits - (112U << 23), 13);
      if (half > infinity) half = infinity;
    }
    return {static_cast<std::uint16_t>(sign | half)};
  }
};

SCATLIGHT_HD float to_real(float value) { return value; }
SCATLIGHT_HD double to_real(double value) { return value; }
SCATLIGHT_HD float to_real(BFloat16 value) { return float_of(std::uint32_t{value.bits} << 16); }
SCATLIGHT_HD float to_real(Float16 value) {
  const std::uint32_t sign = static_cast<std::uint32_t>(value.bits & 0x8000) << 16;
  const std::uint32_t rest = value.bits & 0x7fff;
  if (rest >= 0x7c00) return float_of(sign | 0x7f800000 | rest << 13);
  if (rest < 0x400) {
    const float magnitude = static_cast<float>(rest) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  return float_of(sign | ((rest << 13) + (112U << 23)));
}

/// Where the values of features are: (plane, map, row, column), plane = image * channels + channel. F is
/// float, double, Float16, BFloat16 or a const one. Strides are in values.
template <class F>
struct FeatureView {
  F* data;
  int channels;
  std::int64_t image_stride;
  std::int64_t channel_stride;
  std::int64_t map_stride;
  std::int64_t row_stride;
  std::int64_t column_stride;

  SCATLIGHT_HD F& at(std::int64_t plane, int map, int row, int column) const {
    return data[plane / channels * image_stride + plane % channels * channel_stride + map * map_stride +
                row * row_stride + column * column_stride];
  }
};

}  // namespace scatlight::cuda
