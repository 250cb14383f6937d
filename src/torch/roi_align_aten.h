#pragma once

#include "torch/roi_align_op.h"

namespace scatlight::torch_ops {

/// roi_align() and its gradient by torch's own operators, for devices without kernels of ours; their
/// arguments are checked.
at::Tensor pool_rois_by_torch(const at::Tensor& features, const at::Tensor& rois,
                              const RoiAlignOptions& options);
at::Tensor spread_rois_by_torch(const at::Tensor& pooled_gradient, const at::Tensor& rois,
                                at::IntArrayRef feature_sizes, const RoiAlignOptions& options);

}  // namespace scatlight::torch_ops
