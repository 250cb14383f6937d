#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "data/random.h"
#include "data/resize.h"

namespace scatlight::train {

/// Batches whose images are mixed with each other, and their labels with them: see draw_mix().
struct MixOptions {
  double mixup = 0;   ///< alpha of Zhang et al., "mixup" (ICLR 2018); 0: never.
  double cutmix = 0;  ///< alpha of Yun et al., "CutMix" (ICCV 2019); 0: never.
};

/// Throws Error for numbers that are out of range.
void check(const MixOptions& options);

/// Each image is mixed with the one before it in the batch, the first with the last.
struct Mix {
  double own = 1;  ///< Share of an image's own label; the other's has the rest.
  /// What the other image covers, of CutMix; the images are added up without.
  std::optional<data::Window> window = std::nullopt;
};

/// The mix of a batch of images of size x size: torchvision.transforms.v2.MixUp or CutMix, one of them at
/// random where both are asked for. Each batch of each member of a team has its own, whatever was drawn
/// before.
Mix draw_mix(const MixOptions& options, int size, data::CounterRandom random);

/// (N, C, size, size), changed.
at::Tensor mixed(const at::Tensor& images, const Mix& mix);

/// From the distribution Beta(alpha, alpha); alpha is above 0.
double draw_beta(double alpha, data::CounterRandom& random);

}  // namespace scatlight::train
