#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "scatlight/cuda.h"

namespace scatlight::cuda {

/// Copies `in` to a device, runs work(in, out, workspace, stream) there, copies its result into `out` and
/// waits. From several threads at once it works on several streams. Throws Error when memory runs out and
/// when the work fails.
void round_trip(int device, std::span<const std::byte> in, std::span<std::byte> out,
                std::size_t workspace_bytes,
                const std::function<void(const void*, void*, void*, CudaStream)>& work);

}  // namespace scatlight::cuda
