#pragma once

#include <fmt/format.h>

#include "scatlight/models.h"
#include "torch/device.h"
#include "train/threads.h"

namespace scatlight::models {

/// Where a model computes, and torch's threads made. Throws Error for options out of range.
inline torch_ops::Placement open_placement(const ModelOptions& options) {
  if (options.threads < 0 || options.threads > 256)
    throw Error(fmt::format("{} threads; 0 to 256 are accepted", options.threads));
  if (options.batch < 1 || options.batch > 65536)
    throw Error(fmt::format("a batch of {}; 1 to 65536 are accepted", options.batch));
  const torch_ops::Placement placement = {.device = torch_ops::open_device(options.gpu),
                                          .precision = options.bfloat16 ? at::kBFloat16 : at::kFloat};
  train::use_threads(options.threads);
  return placement;
}

inline data::Image to_image(const Picture& picture) {
  return {.width = picture.width(),
          .height = picture.height(),
          .rgb = {picture.rgb().begin(), picture.rgb().end()}};
}

}  // namespace scatlight::models
