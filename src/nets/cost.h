#pragma once

#include <cstdint>

#include "nets/architecture.h"
#include "nets/network.h"

namespace scatlight::nets {

/// What a network costs for one image; counted from its structure, no weights are made.
struct Cost {
  std::int64_t parameters = 0;
  std::int64_t multiply_adds = 0;  ///< Of convolutions and affine layers; the front end is not counted.
  std::int64_t front_end_multiply_adds = 0;  ///< See FrontEnd::multiply_adds().
  std::int64_t input_values = 0;             ///< Numbers that the body reads: 3 x H x W pixels, or maps.
  /// Bytes of float32 that training keeps for the backward pass: the input of each convolution, batch norm
  /// and affine layer, and what ReLU and pooling need; tensors that several of them share are counted once.
  std::int64_t saved_bytes = 0;
};

/// How a network that is trained in part is counted.
struct CostRules {
  std::size_t first_trained = 0;  ///< Layers before it are not trained, and keep nothing.
  bool frozen_norms = false;      ///< See Network::freeze_norms().
};

/// Throws Error for options out of range.
Cost cost(const NetworkOptions& options, const CostRules& rules = {});

/// The cost of the layers from `first` to before `end`, for one input of a given shape.
struct LayersCost {
  Cost cost;
  Shape output;
};
LayersCost layers_cost(const Architecture& architecture, std::size_t first, std::size_t end, Shape input,
                       const CostRules& rules = {});

}  // namespace scatlight::nets
