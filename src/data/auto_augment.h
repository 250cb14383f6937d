#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "data/image_ops.h"
#include "data/random.h"
#include "scatlight/names.h"

namespace scatlight::data {

/// Who chooses the operations that a training image goes through.
enum class Policy {
  None,
  AutoAugmentImagenet,  ///< Cubuk et al., "AutoAugment" (CVPR 2019), as torchvision has it.
  AutoAugmentCifar10,
  TrivialAugment,  ///< Müller and Hutter, "TrivialAugment" (ICCV 2021), as torchvision's TrivialAugmentWide.
};

/// An operation of AutoAugment, which is done with a probability.
struct PolicyStep {
  Operation operation = Operation::Identity;
  double probability = 1;
  int bin = 0;  ///< Of its magnitudes; nothing where it has none.
};

/// The pairs of AutoAugment, of which one is drawn for each picture.
using SubPolicy = std::array<PolicyStep, 2>;
std::span<const SubPolicy> auto_augment_steps(Policy policy);

/// What an operation may be done with.
struct Magnitudes {
  std::vector<double> bins;  ///< Of growing strength; one 0 where there is none.
  bool is_signed = false;    ///< Either sign may be drawn.
};
Magnitudes magnitudes_of(Policy policy, Operation operation, ImageSize size);

/// A picture after the operations that are drawn for it.
Image augment(Policy policy, Image image, CounterRandom& random);

}  // namespace scatlight::data

namespace scatlight {

template <>
struct Names<data::Policy> {
  static constexpr std::string_view what = "policy";
  static constexpr std::array<std::string_view, 4> all = {"none", "autoaugment-imagenet",
                                                          "autoaugment-cifar10", "trivialaugment"};
};

}  // namespace scatlight
