#pragma once

// What the tests on a GPU share.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cuda/runtime.h"
#include "scatlight/cuda.h"
#include "support/compare.h"

namespace scatlight::test {

/// Skips where there is no GPU.
class OnGpuTest : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "skipped: no GPU";
  }
};

/// An array filled with NaN (all bits set).
template <class T>
cuda::DeviceArray<T> nan_array(std::size_t size) {
  cuda::DeviceArray<T> array(size);
  cuda::check(cudaMemset(array.data(), 0xff, size * sizeof(T)));
  cuda::check(cudaDeviceSynchronize());
  return array;
}

/// Everything a call needs, on a stream of its own. F: of the features.
template <class T, class F = T>
struct Call {
  Call(const CudaScattering<T>& plan, const std::vector<T>& values, std::size_t features)
      : plan(plan),
        planes(static_cast<std::int64_t>(values.size()) / plan.options().height / plan.options().width),
        images(values),
        maps(nan_array<F>(features)),
        gradients(nan_array<T>(values.size())),
        workspace(
            nan_array<std::byte>(std::max(plan.forward_workspace(planes), plan.backward_workspace(planes)))) {
  }

  void forward(const FeatureFormat& format = {}) {
    plan.forward(images.data(), planes, maps.data(), format, workspace.data(), stream);
  }
  void backward(const FeatureFormat& format = {}) {
    plan.backward(images.data(), planes, maps.data(), format, gradients.data(), workspace.data(), stream);
  }

  CudaScattering<T> plan;
  std::int64_t planes;
  cuda::DeviceArray<T> images;
  cuda::DeviceArray<F> maps;
  cuda::DeviceArray<T> gradients;
  cuda::DeviceArray<std::byte> workspace;
  cuda::Stream stream;
};

template <class T>
std::vector<T> forward_on_gpu(const CudaScattering<T>& plan, const std::vector<T>& images,
                              std::size_t features) {
  Call<T> call(plan, images, features);
  call.forward();
  call.stream.wait();
  return call.maps.read();
}

/// How far results on a GPU may be from the reference's: maps as expect_close() has it, gradients in norm.
constexpr Bound forward_bound(float) { return {.relative = 1e-5, .of_scale = 1e-6}; }
constexpr Bound forward_bound(double) { return {.relative = 0, .of_scale = 1e-12}; }
constexpr double backward_bound(float) { return 1e-5; }
constexpr double backward_bound(double) { return 1e-11; }

}  // namespace scatlight::test
