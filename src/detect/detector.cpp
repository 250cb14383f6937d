#include "detect/detector.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>

#include "nets/convolve.h"
#include "scatlight/error.h"

namespace scatlight::detect {
namespace {

DetectorNetworkOptions checked(DetectorNetworkOptions options) {
  check(options);
  // Of the smallest size that every network accepts: all that follows from it is cut off.
  options.network.height = options.network.width = 32 << std::max(options.network.scales - 3, 0);
  return options;
}

}  // namespace

void check(const DetectorNetworkOptions& options) {
  const auto require = [](const char* what, int value, int lowest, int highest) {
    if (value < lowest || value > highest)
      throw Error(fmt::format("{} {}: {} to {} is accepted", what, value, lowest, highest));
  };
  require("anchors per cell", options.anchors, 1, 1000);
  require("channels of the region proposal network", options.rpn_channels, 1, 1 << 16);
  require("bins of a region", options.pool, 1, 64);
  require("samples of a bin", options.pool_samples, 1, 16);
  // The head of VGG is made for regions of 7 x 7 bins.
  if (options.network.family == nets::Family::Vgg && options.pool != 7)
    throw Error(fmt::format("bins of a region {}: VGG's head needs 7", options.pool));
  nets::detection_parts(options.network);
}

Detector::Detector(const DetectorNetworkOptions& options)
    : options_(checked(options)),
      parts_(nets::detection_parts(options_.network)),
      network_(options_.network, parts_.head_end),
      rpn_(make_layer("rpn.head.conv.0.0", {options_.rpn_channels, parts_.channels, 3, 3}, 0.01)),
      objectness_(make_layer("rpn.head.cls_logits", {options_.anchors, options_.rpn_channels, 1, 1}, 0.01)),
      rpn_deltas_(
          make_layer("rpn.head.bbox_pred", {4 * options_.anchors, options_.rpn_channels, 1, 1}, 0.01)),
      logits_(make_layer("roi_heads.box_predictor.cls_score",
                         {options_.network.classes + 1, parts_.head_channels}, 0.01)),
      deltas_(make_layer("roi_heads.box_predictor.bbox_pred",
                         {4 * (options_.network.classes + 1), parts_.head_channels}, 0.001)) {}

Detector::Layer Detector::make_layer(const std::string& name, std::vector<std::int64_t> shape,
                                     double deviation) {
  auto weight = at::empty(shape).normal_(0, deviation).requires_grad_(true);
  return {.name = name, .weight = weight, .bias = at::zeros({shape.front()}).requires_grad_(true)};
}

void Detector::to(const torch_ops::Placement& placement) {
  const at::NoGradGuard no_grad;
  network_.to(placement);
  for (auto* const layer : {&rpn_, &objectness_, &rpn_deltas_, &logits_, &deltas_}) {
    for (auto* const tensor : {&layer->weight, &layer->bias}) {
      const auto format = tensor->dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
      *tensor = tensor->detach().to(placement.device).contiguous(format).requires_grad_(true);
    }
  }
}

void Detector::freeze(const Frozen& frozen) {
  const auto first = nets::first_trained(frozen.groups, parts_.groups);
  if (frozen.norms) network_.freeze_norms();
  network_.freeze(0, first);
}

at::Tensor Detector::features(const at::Tensor& maps) { return network_.run(maps, 0, parts_.base_end); }

RpnOutput Detector::propose(const at::Tensor& features) {
  const auto hidden = nets::convolve(features, rpn_.weight, rpn_.bias, 1, 1).relu_();
  const auto images = features.size(0);
  const auto objectness = at::conv2d(hidden, objectness_.weight, objectness_.bias);
  const auto deltas = at::conv2d(hidden, rpn_deltas_.weight, rpn_deltas_.bias);
  return {.objectness = objectness.permute({0, 2, 3, 1}).reshape({images, -1}),
          .deltas = deltas.permute({0, 2, 3, 1}).reshape({images, -1, 4})};
}

HeadOutput Detector::classify(const at::Tensor& features, const at::Tensor& rois) {
  const auto pooled = torch_ops::roi_align(
      features, rois,
      {.scale = 1.0 / parts_.stride, .bins = options_.pool, .samples = options_.pool_samples});
  auto hidden = network_.run(pooled, parts_.head_begin, parts_.head_end);
  if (hidden.dim() == 4) hidden = hidden.mean({2, 3});
  return {.logits = at::linear(hidden, logits_.weight, logits_.bias),
          .deltas = at::linear(hidden, deltas_.weight, deltas_.bias)
                        .view({rois.size(0), options_.network.classes + 1, 4})};
}

Detector::Tensors Detector::parameters() const {
  auto all = network_.parameters();
  for (const auto* const layer : {&rpn_, &objectness_, &rpn_deltas_, &logits_, &deltas_}) {
    all.emplace_back(layer->name + ".weight", layer->weight);
    all.emplace_back(layer->name + ".bias", layer->bias);
  }
  return all;
}

}  // namespace scatlight::detect
