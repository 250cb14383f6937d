#pragma once

#include <vector>

#include "train/checkpoint.h"

// The tensors of a network that is trained in part.

namespace scatlight::train {

/// The parameters that take steps.
inline NamedTensors trained(NamedTensors parameters) {
  std::erase_if(parameters, [](const auto& entry) { return !entry.second.requires_grad(); });
  return parameters;
}

/// What the weights have beside them: the frozen parameters, then the buffers.
inline NamedTensors untrained(NamedTensors parameters, const NamedTensors& buffers) {
  std::erase_if(parameters, [](const auto& entry) { return entry.second.requires_grad(); });
  parameters.insert(parameters.end(), buffers.begin(), buffers.end());
  return parameters;
}

}  // namespace scatlight::train
