#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/image_ops.h"
#include "data/random.h"

namespace scatlight::data {

/// Who chooses the operations that a training image goes through.
enum class Policy {
  None,
  AutoAugmentImagenet,  ///< Cubuk et al., "AutoAugment" (CVPR 2019), as torchvision has it.
  AutoAugmentCifar10,
  TrivialAugment,  ///< Müller and Hutter, "TrivialAugment" (ICCV 2021), as torchvision's TrivialAugmentWide.
};

/// "none", "autoaugment-imagenet", "autoaugment-cifar10", "trivialaugment"
std::vector<std::string> policy_names();

/// Throws Error, with the accepted names, for an unknown one.
Policy policy_of(std::string_view name);

/// An operation of AutoAugment, which is done with a probability.
struct PolicyStep {
  Operation operation = Operation::Identity;
  double probability = 1;
  int bin = 0;  ///< Of its magnitudes; nothing where it has none.
};

/// The pairs of AutoAugment, of which one is drawn for each picture.
using SubPolicy = std::array<PolicyStep, 2>;
std::vector<SubPolicy> auto_augment_steps(Policy policy);

/// The operations among which TrivialAugment draws one.
std::vector<Operation> trivial_augment_operations();

/// What an operation may be done with.
struct Magnitudes {
  std::vector<double> bins;  ///< Of growing strength; one 0 where there is none.
  bool is_signed = false;    ///< Either sign may be drawn.
};
Magnitudes magnitudes_of(Policy policy, Operation operation, ImageSize size);

/// A picture after the operations that are drawn for it.
Image augment(Policy policy, Image image, CounterRandom& random);

}  // namespace scatlight::data
