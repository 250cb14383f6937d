#pragma once

#include <cstdint>
#include <memory>

#include "core/filter_bank.h"
#include "scatlight/scattering.h"

namespace scatlight {

/// What every engine does. T is float or double. Arguments were checked by Scattering.
template <class T>
class Engine {
 public:
  virtual ~Engine() = default;

  /// images (planes, H, W) -> features (planes, K, h, w).
  virtual void forward(const T* images, std::int64_t planes, T* features, const ParallelFor& run) const = 0;

  /// images (planes, H, W), feature_gradients (planes, K, h, w) -> image_gradients (planes, H, W).
  virtual void backward(const T* images, const T* feature_gradients, std::int64_t planes, T* image_gradients,
                        const ParallelFor& run) const = 0;

  /// The same, and wavelet_gradients (J, L, rows.padded, columns.padded), which are overwritten.
  virtual void backward(const T* images, const T* feature_gradients, std::int64_t planes, T* image_gradients,
                        double* wavelet_gradients, const ParallelFor& run) const = 0;

  /// One with the wavelets of another bank of the same options and geometry. It shares all else with this
  /// one, which it outlives.
  virtual std::unique_ptr<Engine<T>> with_wavelets(const FilterBank& bank) const = 0;
};

}  // namespace scatlight
