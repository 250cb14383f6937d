#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "scatlight/scattering.h"

namespace scatlight::torch_ops {

// What the operators of the scattering transform share: how options travel, and what is checked.

/// An operator's arguments are tensors, numbers and lists of them. The options travel as two lists, in the
/// order of option_list.
struct ScatteringArguments {
  std::vector<std::int64_t> counts;  ///< Integers, and enums as their numbers.
  std::vector<double> shape;         ///< Real numbers.
};
ScatteringArguments to_arguments(const ScatteringOptions& options);

/// Height, width and threads are those of the call. Throws Error for images that are not (N, C, H, W),
/// float32 or float64.
ScatteringOptions to_options(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape);

constexpr std::size_t plans_kept = 48;

/// A plan on the CPU; those used last are kept.
Scattering plan_of(const ScatteringOptions& options);

using MapType = std::optional<at::ScalarType>;
using MapMemory = std::optional<at::MemoryFormat>;

/// How an operator is asked to store the maps. Throws Error for what it cannot do.
struct MapOptions {
  MapOptions(const at::Tensor& images, MapType given_type, MapMemory given_memory);
  bool is_usual(const at::Tensor& images) const {
    return type == images.scalar_type() && memory == at::MemoryFormat::Contiguous;
  }

  at::ScalarType type;
  at::MemoryFormat memory;
};

at::Tensor empty_maps(const at::Tensor& images, const ScatteringOptions& options, const MapOptions& format);
at::Tensor empty_gradient(const at::Tensor& images);

/// Throws Error for gradients of maps that are on another device than the images.
void check_device(const at::Tensor& images, const at::Tensor& gradients);

}  // namespace scatlight::torch_ops
