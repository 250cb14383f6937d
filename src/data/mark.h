#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "data/image.h"
#include "data/objects.h"

namespace scatlight::data {

/// sRGB.
using MarkColour = std::array<std::uint8_t, 3>;

/// A box to be painted on a picture.
struct Mark {
  Rect box = {};
  std::string text =
      {};  ///< On a tag at the box; none where it is empty. Characters beyond ASCII are hollow.
  MarkColour colour = {255, 255, 255};
};

/// Colours that are easy to tell apart; they come again after 12 labels.
MarkColour label_colour(int label);

/// Paints frames, then their tags, both as large as suits the picture. What lies outside of it is cut off.
void mark(Image& image, std::span<const Mark> marks);

}  // namespace scatlight::data
