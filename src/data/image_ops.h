#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "data/image.h"

// Operations on whole pictures, as Pillow 13 has them, bit by bit: what AutoAugment and its like choose from.

namespace scatlight::data {

/// The operations of torchvision.transforms.autoaugment, by its names. What a magnitude means:
enum class Operation {
  Identity,
  ShearX,      ///< Pixels to the left per row.
  ShearY,      ///< Pixels upwards per column.
  TranslateX,  ///< Pixels to the right, cut to a whole number.
  TranslateY,  ///< Pixels downwards, the same.
  Rotate,      ///< Degrees counterclockwise, around the centre.
  // Away from, for -1 all the way to, a picture that is black, grey, of one mean grey, or smoothed:
  Brightness,
  Color,
  Contrast,
  Sharpness,
  Posterize,  ///< Bits that are kept of each colour, 1 to 8.
  Solarize,   ///< Levels from here on are inverted.
  // Without a magnitude:
  AutoContrast,
  Equalize,
  Invert,
};

std::vector<Operation> all_operations();
const char* to_name(Operation operation);
std::optional<Operation> operation_of(std::string_view name);

/// Pixels from outside of the picture are black; moved pixels are those nearest to where they come from.
Image apply(Operation operation, double magnitude, const Image& image);

}  // namespace scatlight::data
