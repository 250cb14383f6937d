#pragma once

// What calls of the CUDA runtime need.

#include <cuda_runtime_api.h>

#include <string>

#include "scatlight/error.h"

namespace scatlight::cuda {

/// Throws Error unless the call succeeded.
inline void check(cudaError_t status, const char* what) {
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

}  // namespace scatlight::cuda
