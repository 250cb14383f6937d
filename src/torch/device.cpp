#include "torch/device.h"

#include <ATen/Context.h>
#include <ATen/cpu/Utils.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include "scatlight/cuda.h"

namespace scatlight::torch_ops {

at::Device open_device(std::optional<int> gpu) {
  if (!gpu) return at::kCPU;
  check_cuda_device(*gpu);
  // Found by the program's own search path, beside the libraries that it links to.
  if (::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    throw Error(fmt::format("torch's CUDA library cannot be loaded: {}", ::dlerror()));
  }
  if (!at::hasCUDA()) {
    throw Error("torch's CUDA library was loaded after torch had looked for it, or finds no GPU");
  }
  at::globalContext().lazyInitDevice(at::kCUDA);
  return {at::kCUDA, static_cast<at::DeviceIndex>(*gpu)};
}

bool is_slow(const Placement& placement) {
  if (!placement.device.is_cpu() || placement.precision != at::kBFloat16) return false;
  const auto capabilities = at::cpu::get_cpu_capabilities();
  const auto has = [&](const char* name) {
    const auto found = capabilities.find(name);
    return found != capabilities.end() && found->second.isBool() && found->second.toBool();
  };
  return !has("avx512_bf16") && !has("amx_bf16") && !has("arm_bf16");
}

}  // namespace scatlight::torch_ops
