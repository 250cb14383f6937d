#pragma once

#include "data/image.h"

namespace scatlight::data {

/// A part of a picture, in pixels; the edges need not fall between pixels.
struct Box {
  double left = 0;
  double top = 0;
  double width = 0;
  double height = 0;
};

/// A part of a resized picture, in whole pixels.
struct Window {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

/// Resizes the part `box` of an image to `size` and returns the part `window` of that; nothing else is
/// computed. Nothing outside the box is looked at, as if it had been cut out first.
///
/// The filter is the triangle of Pillow's and torchvision's antialiased bilinear resize:
///
///       /\         weight of a source pixel at distance d from the output pixel's centre:
///      /  \        1 - d / s for d < s, s = max(1, source pixels per output pixel),
///   __/    \__     divided by the sum of the weights
///    -s  0  s
///
/// along rows and across rows, rounded to 8 bits after each, in Pillow's fixed-point arithmetic and order:
/// for a box of whole pixels the result equals crop and resize of Pillow 13 bit by bit. Earlier versions
/// always begin along rows, which changes some results by one level. The box must lie in the image and be at
/// least one pixel wide and high, the window must lie in `size`.
Image resize(const Image& image, const Box& box, ImageSize size, const Window& window);

/// The same, all of it.
Image resize(const Image& image, const Box& box, ImageSize size);

/// The largest square in the middle, resized to size x size.
Image resize_centre_square(const Image& image, int size);

}  // namespace scatlight::data
