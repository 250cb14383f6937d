#include "core/range.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace scatlight {
namespace {

// The power of two that brings the largest of some values into Range: 1 if it is there.
template <class T>
T factor_of(std::span<const T> values) {
  T largest = 0;
  for (const T value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  if (is_in_range(largest)) return 1;
  // Both the factor and its inverse are numbers of full precision.
  constexpr int most = std::numeric_limits<T>::max_exponent - 2;
  return std::ldexp(T{1}, std::clamp(-std::ilogb(largest), -most, most));
}

}  // namespace

template <class T>
ScaledPlanes<T>::ScaledPlanes(const T* planes, std::int64_t count, std::int64_t size) : given_(planes) {
  for (std::int64_t i = 0; i < count; ++i)
    factors_.push_back(factor_of(std::span(planes + i * size, static_cast<std::size_t>(size))));
  if (std::ranges::all_of(factors_, [](T factor) { return factor == 1; })) return;
  scaled_.assign(planes, planes + count * size);
  for (std::int64_t i = 0; i < count; ++i) {
    for (T& value : std::span(scaled_).subspan(i * size, size)) value *= factors_[i];
  }
}

template <class T>
void ScaledPlanes<T>::scale_back(T* results, std::int64_t size) const {
  for (const T factor : factors_) {
    for (T& value : std::span(results, static_cast<std::size_t>(size))) value *= 1 / factor;
    results += size;
  }
}

template class ScaledPlanes<float>;
template class ScaledPlanes<double>;

}  // namespace scatlight
