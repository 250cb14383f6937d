#pragma once

#include <torch/library.h>

namespace scatlight::torch_ops {

/// Adds the operators scatlight::scattering_by and scatlight::scattering_by_backward to a library, with their
/// kernels: see scatter_by().
void define_learned_scattering(torch::Library& library);

}  // namespace scatlight::torch_ops
