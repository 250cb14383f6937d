#pragma once

#include <cstdint>

namespace scatlight::data {

/// Random numbers that are a function of (seed, epoch, index) alone, so that a sample's augmentation does not
/// depend on which thread draws it or on what was drawn before. The generator is SplitMix64 (Steele, Lea and
/// Flood, "Fast splittable pseudorandom number generators", 2014) whose start is a mix of the three.
class CounterRandom {
 public:
  CounterRandom(std::uint64_t seed, std::uint64_t epoch, std::uint64_t index)
      : state_(mix(mix(mix(seed) + epoch) + index)) {}

  std::uint64_t next() { return mix(state_ += golden); }

  /// In [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// In 0 ... limit - 1; limit is below 2^32, which keeps the bias below 2^-32.
  std::uint64_t below(std::uint64_t limit) { return ((next() >> 32) * limit) >> 32; }

 private:
  static constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;

  static std::uint64_t mix(std::uint64_t z) {
    z += golden;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace scatlight::data
