#pragma once

#include <cstdint>

namespace scatlight {

/// The number below `modulus` whose product with `value` is 1 modulo it; 0 if the two are not coprime.
constexpr int inverse_modulo(int value, int modulus) {
  for (int inverse = 0; inverse < modulus; ++inverse) {
    if (std::int64_t{value} * inverse % modulus == 1 % modulus) return inverse;
  }
  return 0;
}

}  // namespace scatlight
