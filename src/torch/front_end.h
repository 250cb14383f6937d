#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "scatlight/scattering.h"

namespace scatlight::torch_ops {

/// How the maps are stored.
struct MapFormat {
  /// That of the images where none is given; of float32 images also float16 and bfloat16, rounded to nearest.
  std::optional<at::ScalarType> type = std::nullopt;
  /// Contiguous or ChannelsLast.
  at::MemoryFormat memory = at::MemoryFormat::Contiguous;
};

/// The scattering transform as a step of a network.
///   images: (N, C, H, W) float32 or float64 on the CPU or on a GPU, any strides
///   result: (N, C * K, h, w) on the same device, stored as `format` says; map c * K + k is paths()[k] of
///   channel c
/// Differentiable once with respect to the images. The size of the images may change from call to call: the
/// options' height, width, threads and parallel_for have no effect, and the plans used last are kept.
///
/// The CPU runs as many threads as torch does, and converts the maps at the end if a format is asked for. A
/// GPU writes the format at once; it works on torch's current stream without waiting, in memory of torch's
/// allocator. Once its plan is made, by a first call, a call can be captured in a CUDA graph, which is good
/// as long as the plan is kept: until 48 others were used.
///
/// Safe to call from several threads. Throws Error for other shapes, types and devices, for options out of
/// range, and for a GPU in a build without the CUDA engine.
at::Tensor scatter(const at::Tensor& images, const ScatteringOptions& options, const MapFormat& format = {});

/// The transform by wavelets of these shapes, which may be learned: theta, xi, sigma and slant of each.
///   wavelets: (J, L, 4) float64 for all channels, or (C, J, L, 4), a set for each
/// Differentiable once with respect to the images and to the wavelets. All else is as with scatter(). By the
/// shapes of wavelet_shapes() for all channels the maps are the same, bit for bit; a set for each channel
/// gives them to rounding. It runs on the CPU alone. Throws Error for shapes out of range (WaveletShape),
/// too.
at::Tensor scatter_by(const at::Tensor& images, const at::Tensor& wavelets, const ScatteringOptions& options,
                      const MapFormat& format = {});

/// Registers the operators scatlight::scattering and scatlight::scattering_by, and the gradients of both
/// (CPU, CUDA, meta and autograd kernels), with torch's dispatcher. scatter() and scatter_by() do it by
/// themselves; the call exists so that a linker cannot drop the registration. Repeated calls do nothing.
void register_operators();

}  // namespace scatlight::torch_ops
