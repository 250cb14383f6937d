#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nets/network.h"
#include "torch/front_end.h"

namespace scatlight::nets {

/// The step before the body: images to the maps that the first layer reads.
class FrontEnd {
 public:
  virtual ~FrontEnd() = default;

  /// What it gives, for messages and run.json: "24 channels of the DCT of 8 x 8 pixels". Of the same image,
  /// front ends of one name, with the same parameters, give the same maps.
  virtual std::string name() const = 0;

  virtual int channels() const = 0;

  /// Pixels per sample of the maps along each side. Images of other sizes than its multiples give as many
  /// samples as fit; blocks leave out the pixels beyond, to the right and below.
  virtual int stride() const = 0;

  /// For one image. Of a transform by FFTs, those of the algorithm that kymatio has, an FFT of n samples
  /// counted as 5/2 n log2(n).
  virtual std::int64_t multiply_adds(std::int64_t height, std::int64_t width) const = 0;

  /// (N, 3, H, W) float32 normalised images, on any device, to (N, channels, H / stride, W / stride) as
  /// `format` says. By the first parameters, where it has some. No gradient flows through it.
  virtual at::Tensor maps(const at::Tensor& images, const torch_ops::MapFormat& format) const = 0;

  /// What a network learns of it, by name, as it is at first; of most nothing.
  virtual std::vector<std::pair<std::string, at::Tensor>> first_parameters() const { return {}; }

  /// maps() by these parameters in place of the first ones, in their order. Gradients flow to them.
  virtual at::Tensor maps_by(at::TensorList /*parameters*/, const at::Tensor& images,
                             const torch_ops::MapFormat& format) const {
    return maps(images, format);
  }
};

/// Throws Error for options out of range.
std::shared_ptr<const FrontEnd> make_front_end(const NetworkOptions& options);

}  // namespace scatlight::nets
