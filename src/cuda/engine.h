#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/filter_bank.h"
#include "core/geometry.h"
#include "scatlight/cuda.h"

namespace scatlight::cuda {

int device_count();

/// Features on the device, and how they are stored.
template <class Pointer>
struct StoredFeatures {
  Pointer data;
  FeatureFormat format;
};

/// A plan's tables on one device. Arguments were checked by CudaScattering.
template <class T>
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::size_t workspace_bytes(std::int64_t planes, bool backward) const = 0;
  virtual void forward(const T* images, std::int64_t planes, const StoredFeatures<void*>& features,
                       void* workspace, CudaStream stream) const = 0;
  virtual void backward(const T* images, std::int64_t planes, const StoredFeatures<const void*>& gradients,
                        T* image_gradients, void* workspace, CudaStream stream) const = 0;
  virtual void backward(const T* images, std::int64_t planes, const StoredFeatures<const void*>& gradients,
                        T* image_gradients, double* wavelet_gradients, void* workspace,
                        CudaStream stream) const = 0;

  /// One with the wavelets of another bank of the same options and geometry. It shares all else with this
  /// one, on the device too.
  virtual std::unique_ptr<Engine<T>> with_wavelets(const FilterBank& bank) const = 0;
};

/// The device is there. Throws Error if it cannot run the engine.
template <class T>
std::unique_ptr<Engine<T>> make_engine(const ScatteringOptions& resolved, const Geometry& geometry,
                                       const FilterBank& bank, int device);

}  // namespace scatlight::cuda
