#pragma once

#include <array>
#include <string_view>

#include "data/image.h"
#include "scatlight/names.h"

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

/// Pixels from outside of the picture are black; moved pixels are those nearest to where they come from.
Image apply(Operation operation, double magnitude, const Image& image);

}  // namespace scatlight::data

namespace scatlight {

template <>
struct Names<data::Operation> {
  static constexpr std::string_view what = "operation";
  static constexpr std::array<std::string_view, 15> all = {
      "Identity", "ShearX",    "ShearY",    "TranslateX", "TranslateY",   "Rotate",   "Brightness", "Color",
      "Contrast", "Sharpness", "Posterize", "Solarize",   "AutoContrast", "Equalize", "Invert"};
};

}  // namespace scatlight
