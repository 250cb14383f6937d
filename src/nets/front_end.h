#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "nets/network.h"
#include "torch/front_end.h"

namespace scatlight::nets {

/// The step before the body, which has no parameters: images to the maps that the first layer reads.
class FrontEnd {
 public:
  virtual ~FrontEnd() = default;

  /// What it gives, for messages and run.json: "24 channels of the DCT of 8 x 8 pixels". Of the same image,
  /// front ends of one name give the same maps.
  virtual std::string name() const = 0;

  virtual int channels() const = 0;

  /// Pixels per sample of the maps along each side. Images of other sizes than its multiples give as many
  /// samples as fit; blocks leave out the pixels beyond, to the right and below.
  virtual int stride() const = 0;

  /// For one image. Of a transform by FFTs, those of the algorithm that kymatio has, an FFT of n samples
  /// counted as 5/2 n log2(n).
  virtual std::int64_t multiply_adds(std::int64_t height, std::int64_t width) const = 0;

  /// (N, 3, H, W) float32 normalised images, on any device, to (N, channels, H / stride, W / stride) as
  /// `format` says. No gradient flows through it.
  virtual at::Tensor maps(const at::Tensor& images, const torch_ops::MapFormat& format) const = 0;
};

/// Throws Error for options out of range.
std::shared_ptr<const FrontEnd> make_front_end(const NetworkOptions& options);

}  // namespace scatlight::nets
