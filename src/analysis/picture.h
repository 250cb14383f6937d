#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace scatlight::analysis {

struct Color {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
};
inline constexpr Color black = {};
inline constexpr Color light = {225, 225, 225};

/// A picture in 8-bit sRGB: rgb is (height, width, 3), contiguous.
struct Picture {
  Picture(int height, int width, Color background = {255, 255, 255});

  int height;
  int width;
  std::vector<std::uint8_t> rgb;

  /// Outside the picture nothing is set.
  void set(int row, int column, Color color);
  void fill(int top, int left, int height, int width, Color color);
  void paste(const Picture& other, int top, int left);

  /// A circle line about two pixels wide.
  void circle(double row, double column, double radius, Color color);

  /// Writes text with letters of 5 x 7 pixels, each pixel `scale` wide: digits, capitals, j and . , - + = / <
  /// |. Other characters are left blank.
  void write(std::string_view text, int top, int left, int scale, Color color);
};

/// The width of a text that Picture::write() writes, in pixels.
int text_width(std::string_view text, int scale);

/// From black over colours of rising lightness to white, for values in [0, 1]: Green's cubehelix ("A colour
/// scheme for the display of astronomical intensity images", 2011).
Color heat(double value);

/// From black to white, for values in [0, 1].
Color grey_level(double value);

/// From blue over white at zero to red, for values in [-1, 1].
Color diverging(double value);

/// A picture of size x size pixels from color_at(row, column).
template <class ColorAt>
Picture draw_plane(int size, const ColorAt& color_at) {
  Picture picture(size, size);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) picture.set(row, column, color_at(row, column));
  }
  return picture;
}

}  // namespace scatlight::analysis
