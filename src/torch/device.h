#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace scatlight::torch_ops {

/// The GPU of this number, or the CPU for none. For a GPU it loads torch's CUDA library, to which nothing
/// links, so it comes before all else that a program does with torch: torch notes once whether there is one.
/// Throws Error if there is no such GPU, in a build without the CUDA engine, and for a torch without CUDA.
at::Device open_device(std::optional<int> gpu);

}  // namespace scatlight::torch_ops
