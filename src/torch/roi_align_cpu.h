#pragma once

#include <cstdint>
#include <span>

#include "torch/roi_align_op.h"

namespace scatlight::torch_ops {

/// Features in channels-last memory.
struct FeatureShape {
  std::int64_t images = 0;
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// The loops of roi_align() on the CPU.
///   features: (images, height, width, channels)
///   rois: (R, 5), checked
///   pooled: (R, bins, bins, channels)
template <class T>
void pool_rois(std::span<const T> features, const FeatureShape& shape, std::span<const T> rois,
               const RoiAlignOptions& options, int threads, std::span<T> pooled);

/// Its adjoint: adds the gradient of the pooled values to that of the features.
template <class T>
void spread_rois(std::span<const T> pooled_gradient, const FeatureShape& shape, std::span<const T> rois,
                 const RoiAlignOptions& options, int threads, std::span<T> gradient);

}  // namespace scatlight::torch_ops
