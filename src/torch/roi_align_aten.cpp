#include "torch/roi_align_aten.h"

#include <ATen/ATen.h>

namespace scatlight::torch_ops {
namespace {

/// Where the samples of regions lie along one axis.
struct AxisSamples {
  at::Tensor places;  // (R, bins * samples), -1 at the first cell and 1 at the last: grid_sampler's unit
  at::Tensor inside;  // the same, 1 or 0: whether they are so near that they have a value
};

AxisSamples axis_samples(const at::Tensor& first, const at::Tensor& last, std::int64_t cells,
                         const RoiAlignOptions& options) {
  const auto start = (first * options.scale).unsqueeze(1);
  const auto bin = (last.unsqueeze(1) * options.scale - start).clamp_min(1) / options.bins;
  const auto steps = (at::arange(options.bins * options.samples, first.options()) + 0.5) / options.samples;
  const auto cell = start + steps * bin;
  const auto most = static_cast<double>(cells - 1);
  return {.places = cell.clamp(0, most) * (2 / std::max(most, 1.0)) - 1,
          .inside = cell.ge(-1).logical_and(cell.le(cells)).to(first.scalar_type())};
}

/// The samples of regions of one image, whose number they carry.
struct Samples {
  Samples(const at::Tensor& rois, std::int64_t height, std::int64_t width, const RoiAlignOptions& options) {
    const auto x = axis_samples(rois.select(1, 1), rois.select(1, 3), width, options);
    const auto y = axis_samples(rois.select(1, 2), rois.select(1, 4), height, options);
    const auto regions = rois.size(0);
    const auto side = x.places.size(1);
    const auto xs = x.places.unsqueeze(1).expand({regions, side, side});
    const auto ys = y.places.unsqueeze(2).expand({regions, side, side});
    grid = at::stack({xs, ys}, 3).view({1, regions * side, side, 2});
    weights = (y.inside.unsqueeze(2) * x.inside.unsqueeze(1)).view({1, 1, regions * side, side});
  }

  at::Tensor grid;     // (1, R * side, side, 2)
  at::Tensor weights;  // (1, 1, R * side, side)
};

/// For each image that has regions, its number and their indices.
template <class Use>
void for_each_image(const at::Tensor& rois, std::int64_t images, Use use) {
  const auto numbers = rois.select(1, 0).to(at::kCPU).to(at::kLong);
  for (std::int64_t image = 0; image < images; ++image) {
    const auto indices = numbers.eq(image).nonzero().squeeze(1);
    if (indices.numel() > 0) use(image, indices.to(rois.device()));
  }
}

// Of at::grid_sampler_2d: bilinear, edges repeated, first and last cell at -1 and 1.
constexpr int bilinear = 0;
constexpr int border = 1;
constexpr bool align_corners = true;

}  // namespace

at::Tensor pool_rois_by_torch(const at::Tensor& features, const at::Tensor& rois,
                              const RoiAlignOptions& options) {
  const auto channels = features.size(1);
  const auto side = std::int64_t{options.bins} * options.samples;
  const auto pooled = at::empty({rois.size(0), channels, options.bins, options.bins},
                                features.options().memory_format(at::MemoryFormat::ChannelsLast));
  for_each_image(rois, features.size(0), [&](std::int64_t image, const at::Tensor& indices) {
    const Samples samples(rois.index_select(0, indices), features.size(2), features.size(3), options);
    const auto values =
        at::grid_sampler_2d(features.narrow(0, image, 1), samples.grid, bilinear, border, align_corners) *
        samples.weights;
    const auto by_roi = values.view({channels, indices.numel(), side, side}).transpose(0, 1);
    pooled.index_copy_(0, indices, at::avg_pool2d(by_roi, options.samples));
  });
  return pooled;
}

at::Tensor spread_rois_by_torch(const at::Tensor& pooled_gradient, const at::Tensor& rois,
                                at::IntArrayRef feature_sizes, const RoiAlignOptions& options) {
  const auto channels = feature_sizes[1];
  const auto gradient =
      at::zeros(feature_sizes, pooled_gradient.options()).contiguous(at::MemoryFormat::ChannelsLast);
  const auto share = 1.0 / (options.samples * options.samples);
  const auto side = std::int64_t{options.bins} * options.samples;
  for_each_image(rois, feature_sizes[0], [&](std::int64_t image, const at::Tensor& indices) {
    const Samples samples(rois.index_select(0, indices), feature_sizes[2], feature_sizes[3], options);
    const auto of_bins = pooled_gradient.index_select(0, indices) * share;
    const auto of_samples = of_bins.repeat_interleave(options.samples, 2)
                                .repeat_interleave(options.samples, 3)
                                .transpose(0, 1)
                                .reshape({1, channels, indices.numel() * side, side}) *
                            samples.weights;
    // Only the gradient of the places, which nobody needs, depends on the features.
    const auto features =
        at::zeros({1}, pooled_gradient.options()).expand({1, channels, feature_sizes[2], feature_sizes[3]});
    const auto of_image = std::get<0>(at::grid_sampler_2d_backward(
        of_samples, features, samples.grid, bilinear, border, align_corners, {true, false}));
    gradient.narrow(0, image, 1).copy_(of_image);
  });
  return gradient;
}

}  // namespace scatlight::torch_ops
