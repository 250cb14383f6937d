#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace scatlight::torch_ops {

/// The GPU of this number, or the CPU for none. For a GPU it loads torch's CUDA library, to which nothing
/// links, so it comes before all else that a program does with torch: torch notes once whether there is one.
/// Throws Error if there is no such GPU, in a build without the CUDA engine, and for a torch without CUDA.
at::Device open_device(std::optional<int> gpu);

/// Where a network computes, and in which type its convolutions do: float32 or bfloat16.
struct Placement {
  at::Device device = at::kCPU;
  at::ScalarType precision = at::kFloat;
};

/// Whether bfloat16 is slower than float32 there: a CPU without instructions for it converts.
bool is_slow(const Placement& placement);

}  // namespace scatlight::torch_ops
