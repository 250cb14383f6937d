#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "detect/anchors.h"
#include "detect/detector.h"
#include "detect/train_options.h"
#include "nets/catalogue.h"

namespace scatlight::detect {

/// A network of the catalogue with few channels.
inline nets::NetworkOptions small_network(const char* name = "scatdet-small") {
  auto network = nets::network_options(name);
  network.classes = 2;
  network.stem = 8;
  for (auto& width : network.widths) width = 8;
  for (auto& depth : network.depths) depth = 1;
  return network;
}

inline DetectorOptions small_boxes() {
  return {.anchor_sizes = {16, 32},
          .anchor_ratios = {1},
          .rpn_samples = 32,
          .proposals_before = 200,
          .proposals = 50,
          .test_before = 200,
          .test_proposals = 30,
          .roi_samples = 16};
}

inline DetectorNetworkOptions small_detector(const char* name = "scatdet-small") {
  return {.network = small_network(name), .anchors = anchors_per_cell(small_boxes()), .rpn_channels = 12};
}

/// How such a detector is trained, on pictures of some 64 pixels.
inline DetectorTrainOptions small_training(data::BoxFolder folder, const std::filesystem::path& run = {}) {
  DetectorTrainOptions options;
  options.train_data = std::move(folder);
  options.loop.run = run;
  options.network = small_detector();
  options.detector = small_boxes();
  options.recipe.short_side = 64;
  options.recipe.long_side = 128;
  options.frozen = {.groups = -1, .norms = true};
  options.batch = 2;
  options.micro_batch = 2;
  options.threads = 2;
  return options;
}

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

inline at::Tensor tensor_of(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [candidate, tensor] : tensors) {
    if (candidate == name) return tensor;
  }
  return {};
}

inline double relative_error(const at::Tensor& actual, const at::Tensor& expected) {
  return ((actual - expected).abs().max() / expected.abs().max()).item<double>();
}

}  // namespace scatlight::detect
