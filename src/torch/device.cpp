#include "torch/device.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include "scatlight/cuda.h"

namespace scatlight::torch_ops {

at::Device open_gpu(int index) {
  if (!built_with_cuda()) {
    throw Error(
        "this build of scatlight has no CUDA engine; build it where nvcc is, with -DSCATLIGHT_CUDA=ON");
  }
  const int count = cuda_device_count();
  if (index < 0 || index >= count) {
    throw Error(fmt::format("there is no CUDA device {}; this machine has {}", index, count));
  }
  // Found by the program's own search path, beside the libraries that it links to.
  if (::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    throw Error(fmt::format("torch's CUDA library cannot be loaded: {}", ::dlerror()));
  }
  if (!at::hasCUDA()) {
    throw Error("torch's CUDA library was loaded after torch had looked for it, or finds no GPU");
  }
  at::globalContext().lazyInitDevice(at::kCUDA);
  return {at::kCUDA, static_cast<at::DeviceIndex>(index)};
}

}  // namespace scatlight::torch_ops
