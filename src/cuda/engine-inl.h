#pragma once

// The engine of one precision; each has a file of its own because that takes a compiler minutes.

#include <cuda_runtime.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cuda/engine.h"
#include "cuda/runtime.h"
#include "cuda/schedule.h"

namespace scatlight::cuda {
namespace {

/// kernels.h's block, on the GPU.
class DeviceBlock {
 public:
  __device__ static int x() { return static_cast<int>(blockIdx.x); }
  __device__ static int y() { return static_cast<int>(blockIdx.y); }
  __device__ static int z() { return static_cast<int>(blockIdx.z); }
  __device__ static void* shared() {
    extern __shared__ uint4 memory[];
    return memory;
  }

  template <class Body>
  __device__ static void for_each(int count, const Body& body) {
    for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) body(i);
    __syncthreads();
  }

  template <class Body>
  __device__ static void for_each_once(int count, const Body& body) {
    if (static_cast<int>(threadIdx.x) < count) body(static_cast<int>(threadIdx.x));
    __syncthreads();
  }
};

constexpr int most_threads = 256;

template <class Kernel>
__global__ void __launch_bounds__(most_threads) run_block(const __grid_constant__ Kernel kernel) {
  DeviceBlock block;
  kernel(block);
}

/// Schedule's queue: a stream of the current device.
class StreamQueue {
 public:
  explicit StreamQueue(CudaStream stream) : stream_(stream) {}

  template <class Kernel>
  void launch(const Kernel& kernel, const Grid& grid, int threads) const {
    const dim3 blocks(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y),
                      static_cast<unsigned>(grid.z));
    run_block<<<blocks, threads, kernel.shared_bytes(), stream_>>>(kernel);
    check(cudaGetLastError(), "a kernel cannot be launched");
  }

 private:
  CudaStream stream_;
};

/// Launches nothing: loads every kernel that a pass uses, which is not possible while a stream is captured,
/// and lets it have the shared memory that it needs.
class PreparingQueue {
 public:
  explicit PreparingQueue(int device) : device_(device) {
    check(cudaDeviceGetAttribute(&limit_, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
          "a device cannot be asked");
  }

  template <class Kernel>
  void launch(const Kernel& kernel, const Grid&, int) {
    const auto status =
        cudaFuncSetAttribute(run_block<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize, limit_);
    if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction) {
      cudaGetLastError();
      cudaDeviceProp properties;
      check(cudaGetDeviceProperties(&properties, device_), "a device cannot be asked");
      throw Error("device " + std::to_string(device_) + " (" + properties.name + ") has compute capability " +
                  std::to_string(properties.major) + "." + std::to_string(properties.minor) +
                  "; this build has kernels for " SCATLIGHT_CUDA_ARCHITECTURES);
    }
    check(status, "a kernel cannot be loaded");
    needed_ = std::max(needed_, kernel.shared_bytes());
  }

  std::size_t needed() const { return needed_; }
  std::size_t limit() const { return static_cast<std::size_t>(limit_); }

 private:
  int device_;
  int limit_ = 0;
  std::size_t needed_ = 0;
};

// Wavelet planes that stay in the L2 cache between the kernels that write and read them.
std::size_t wavelet_bytes(int device) {
  int cache = 0;
  check(cudaDeviceGetAttribute(&cache, cudaDevAttrL2CacheSize, device), "a device cannot be asked");
  return static_cast<std::size_t>(cache) * 5 / 8;
}

// body(a value of the type of the features). float64 has no other.
template <class T, class Body>
void with_feature_type(FeatureType type, const Body& body) {
  if constexpr (std::is_same_v<T, float>) {
    if (type == FeatureType::Float16) return body(Float16{});
    if (type == FeatureType::BFloat16) return body(BFloat16{});
  }
  body(T{});
}

/// Tables on the current device.
template <class T>
struct DeviceTables {
  explicit DeviceTables(const Tables<T>& tables)
      : integers(tables.integers), reals(tables.reals), roots(tables.roots) {}

  DeviceArray<int> integers;
  DeviceArray<T> reals;
  DeviceArray<Complex<T>> roots;
};

/// Filters likewise.
template <class T>
struct DeviceFilters {
  explicit DeviceFilters(const Filters<T>& filters)
      : places(filters.places), parts(filters.parts), values(filters.values) {}

  DeviceArray<int> places;
  DeviceArray<FilterPart> parts;
  DeviceArray<T> values;
};

template <class T>
class CudaEngine final : public Engine<T> {
 public:
  /// On the current device, `device`.
  CudaEngine(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank, int device)
      : CudaEngine(device, Schedule<T>(resolved, geometry, bank, wavelet_bytes(device)), nullptr) {}

  std::unique_ptr<Engine<T>> with_wavelets(const FilterBank& bank) const override {
    const DeviceGuard guard(device_);
    return std::unique_ptr<CudaEngine>(new CudaEngine(device_, schedule_.with(bank), tables_));
  }

  std::size_t workspace_bytes(std::int64_t planes, bool backward) const override {
    return schedule_.workspace_bytes(planes, backward ? Pass::Backward : Pass::Forward);
  }

  void forward(const T* images, std::int64_t planes, const StoredFeatures<void*>& features, void* workspace,
               CudaStream stream) const override {
    const DeviceGuard guard(device_);
    const StreamQueue queue(stream);
    with_feature_type<T>(features.format.type, [&](auto type) {
      using F = decltype(type);
      schedule_.forward(queue, constants(), images, planes,
                        view(static_cast<F*>(features.data), features.format), workspace);
    });
  }

  void backward(const T* images, std::int64_t planes, const StoredFeatures<const void*>& gradients,
                T* image_gradients, void* workspace, CudaStream stream) const override {
    with_gradients(gradients, [&](const auto& of_features) {
      const StreamQueue queue(stream);
      schedule_.backward(queue, constants(), images, of_features, planes, image_gradients, workspace);
    });
  }

  void backward(const T* images, std::int64_t planes, const StoredFeatures<const void*>& gradients,
                T* image_gradients, double* wavelet_gradients, void* workspace,
                CudaStream stream) const override {
    with_gradients(gradients, [&](const auto& of_features) {
      const StreamQueue queue(stream);
      schedule_.backward(queue, constants(), images, of_features, planes, image_gradients, wavelet_gradients,
                         workspace);
    });
  }

 private:
  // `tables`: those of the schedule, if they are on the device.
  CudaEngine(int device, Schedule<T> schedule, std::shared_ptr<const DeviceTables<T>> tables)
      : device_(device),
        maps_(count_maps(schedule.tables().options)),
        schedule_(std::move(schedule)),
        tables_(tables ? std::move(tables) : std::make_shared<const DeviceTables<T>>(schedule_.tables())),
        filters_(schedule_.filters()) {
    prepare();
  }

  Constants<T> constants() const {
    return {tables_->integers.data(), tables_->reals.data(), tables_->roots.data(),
            filters_.places.data(),   filters_.parts.data(), filters_.values.data()};
  }

  template <class F>
  FeatureView<F> view(F* data, const FeatureFormat& format) const {
    return view_of(data, format, schedule_.tables().geometry, maps_);
  }

  // body(the view of them), on the engine's device.
  template <class Body>
  void with_gradients(const StoredFeatures<const void*>& gradients, const Body& body) const {
    const DeviceGuard guard(device_);
    with_feature_type<T>(gradients.format.type, [&](auto type) {
      body(view(static_cast<const decltype(type)*>(gradients.data), gradients.format));
    });
  }

  // Other wavelets may have other kernels: Square ones or not.
  void prepare() const {
    PreparingQueue queue(device_);
    for (const auto type : {FeatureType::Same, FeatureType::Float16, FeatureType::BFloat16}) {
      with_feature_type<T>(type, [&](auto value) {
        using F = decltype(value);
        schedule_.forward(queue, constants(), nullptr, 1, FeatureView<F>{}, nullptr);
        schedule_.backward(queue, constants(), nullptr, FeatureView<const F>{}, 1, nullptr, nullptr, nullptr);
      });
    }
    if (queue.needed() > queue.limit()) {
      const auto& geometry = schedule_.tables().geometry;
      throw Error("planes of " + std::to_string(geometry.rows.padded) + " x " +
                  std::to_string(geometry.columns.padded) + " (padded) need " +
                  std::to_string(queue.needed() >> 10) + " KB of shared memory; device " +
                  std::to_string(device_) + " has " + std::to_string(queue.limit() >> 10) + " KB");
    }
  }

  int device_;
  std::int64_t maps_;  // of a plane
  Schedule<T> schedule_;
  std::shared_ptr<const DeviceTables<T>> tables_;
  DeviceFilters<T> filters_;
};

}  // namespace

template <class T>
std::unique_ptr<Engine<T>> make_engine(const ScatteringOptions& resolved, const Geometry& geometry,
                                       const FilterBank& bank, int device) {
  const DeviceGuard guard(device);
  return std::make_unique<CudaEngine<T>>(resolved, geometry, bank, device);
}

}  // namespace scatlight::cuda
