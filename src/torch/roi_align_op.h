#pragma once

#include <ATen/core/Tensor.h>

namespace scatlight::torch_ops {

struct RoiAlignOptions {
  double scale = 1.0 / 16;  ///< Cells of the features to one pixel.
  int bins = 7;             ///< Along each side of the result.
  int samples = 2;          ///< In each bin, along each side.
};

/// What the features are in regions of interest: RoIAlign of Mask R-CNN (He et al. 2017), as torchvision's
/// roi_align(aligned=False).
///   features: (N, C, h, w) float32 or float64, fastest in channels-last memory
///   rois: (R, 5) of the same type, on the same device: number of the image, left, top, right, bottom in
///   pixels result: (R, C, bins, bins), channels last
///
/// A region has at least the size of one cell. A bin is the mean of samples x samples values that are
/// interpolated between the four cells around each; value k stands at k. A sample up to one cell beyond the
/// edge has the value of the edge, farther away it is 0.
///
/// Differentiable once with respect to the features. On the CPU neither the result nor the gradient depends
/// on the number of threads, which are torch's; on a GPU the gradient is summed up in any order, and the
/// regions are copied to the host, which waits for them.
///
/// Throws Error for other shapes, types and devices, regions that are not finite and images that are not
/// there.
at::Tensor roi_align(const at::Tensor& features, const at::Tensor& rois, const RoiAlignOptions& options);

/// Registers scatlight::roi_align and scatlight::roi_align_backward (CPU, CUDA, meta and autograd kernels)
/// with torch's dispatcher, as register_operators() does for the transform. roi_align() does it by itself.
void register_roi_align();

}  // namespace scatlight::torch_ops
