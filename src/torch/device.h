#pragma once

#include <ATen/core/Tensor.h>

namespace scatlight::torch_ops {

/// A GPU that tensors can be moved to, by its number. Loads torch's CUDA library, to which nothing links, so
/// it comes before all else that a program does with torch: torch notes once whether there is one. Throws
/// Error if there is no such GPU, in a build without the CUDA engine, and for a torch without CUDA.
at::Device open_gpu(int index);

}  // namespace scatlight::torch_ops
