#pragma once

#include <cstdint>
#include <vector>

namespace scatlight {

/// The modulus squares numbers, which leave the range of T long before the samples that they are made of. So
/// planes are transformed as they are while the largest magnitude of their samples is in this range (or 0),
/// with a margin on both sides for all that is computed from them, and else times a power of two, which is
/// exact.
template <class T>
struct Range;
template <>
struct Range<float> {
  static constexpr float least = 0x1p-32F;
  static constexpr float most = 0x1p32F;
};
template <>
struct Range<double> {
  static constexpr double least = 0x1p-256;
  static constexpr double most = 0x1p256;
};

template <class T>
bool is_in_range(T largest) {
  return largest == 0 || (largest >= Range<T>::least && largest <= Range<T>::most);
}

/// Planes in Range, but for samples that are infinite or NaN: the given ones, which have to stay where they
/// are, or copies of them, each times its power of two.
template <class T>
class ScaledPlanes {
 public:
  ScaledPlanes(const T* planes, std::int64_t count, std::int64_t size);

  /// Whether these are copies.
  bool are_scaled() const { return !scaled_.empty(); }
  const T* data() const { return are_scaled() ? scaled_.data() : given_; }
  T factor(std::int64_t plane) const { return factors_[plane]; }

  /// From what a function gives of these planes to what it gives of the given ones, if it takes a multiple of
  /// a plane to that multiple of a result. `size`: values of the result of one plane.
  void scale_back(T* results, std::int64_t size) const;

 private:
  const T* given_;
  std::vector<T> factors_;  // of each plane
  std::vector<T> scaled_;
};

}  // namespace scatlight
