#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "cuda/tables.h"

namespace scatlight::cuda {

/// How many blocks a launch has.
struct Grid {
  std::int64_t x = 1;
  std::int64_t y = 1;
  std::int64_t z = 1;
};

/// A kernel's FFT: body(one of static_lengths, or AnyFft).
template <std::size_t I = 0, class T, class Body>
void with_fft(const FftTable& table, const Constants<T>& constants, const Body& body) {
  if constexpr (std::is_same_v<T, float> && I < static_lengths.size()) {
    constexpr auto length = static_lengths[I];
    if (table.length == length.first * length.second) {
      body(StaticFft<T, length.first, length.second>{constants.roots + table.first_twiddle});
    } else {
      with_fft<I + 1>(table, constants, body);
    }
    return;
  }
  constexpr std::size_t target_bytes = 32 << 10;
  const auto lines = static_cast<unsigned>(target_bytes / sizeof(Complex<T>) / table.length);
  body(table.any(constants, static_cast<int>(std::bit_floor(std::clamp(lines, 1U, 32U)))));
}

}  // namespace scatlight::cuda
