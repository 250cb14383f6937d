#pragma once

// What calls of the CUDA runtime need: the engine's, the tests' and the benchmark's.

#include <cuda_runtime_api.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "scatlight/error.h"

namespace scatlight::cuda {

/// Throws Error unless the call succeeded.
inline void check(cudaError_t status, const char* what = "a call failed") {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // an error that is reported is over
  throw Error(std::string("CUDA: ") + what + ": " + cudaGetErrorString(status));
}

/// Makes a device the current one for a while.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device) {
    check(cudaGetDevice(&before_), "no current device");
    check(cudaSetDevice(device), "a device cannot be used");
  }
  ~DeviceGuard() { cudaSetDevice(before_); }
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int before_ = 0;
};

/// A stream of the current device that does not wait for the default stream.
class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "no stream"); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  operator cudaStream_t() const { return stream_; }
  void wait() const { check(cudaStreamSynchronize(stream_), "the work on a stream failed"); }

 private:
  cudaStream_t stream_ = nullptr;
};

/// An array on the current device. Its copies to and from the host wait, and so does its destructor for the
/// kernels that use it.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t size) : size_(size) {
    check(cudaMalloc(reinterpret_cast<void**>(&data_), std::max<std::size_t>(size, 1) * sizeof(T)),
          "no memory on the device");
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) { write(values); }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(DeviceArray&& other) noexcept
      : size_(other.size_), data_(std::exchange(other.data_, nullptr)) {}
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return data_; }
  std::size_t size() const { return size_; }

  /// As many values as the array has.
  void write(const std::vector<T>& values) {
    check(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice),
          "copying to the device failed");
    // A copy returns once the values are on their way; streams that do not wait for the default one must not
    // overtake them.
    check(cudaStreamSynchronize(nullptr), "copying to the device failed");
  }
  std::vector<T> read() const { return read(size_); }
  std::vector<T> read(std::size_t count) const {
    std::vector<T> values(count);
    check(cudaMemcpy(values.data(), data_, count * sizeof(T), cudaMemcpyDeviceToHost),
          "copying from the device failed");
    return values;
  }

 private:
  std::size_t size_;
  T* data_ = nullptr;
};

}  // namespace scatlight::cuda
