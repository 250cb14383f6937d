#include "analysis/picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace scatlight::analysis {
namespace {

constexpr int glyph_width = 5;
constexpr int glyph_height = 7;

struct Glyph {
  char character;
  std::array<std::uint8_t, glyph_height> rows;  // five bits each, the leftmost the highest
};

// clang-format off
constexpr Glyph glyphs[] = {
    {'0', {0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110}},
    {'1', {0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110}},
    {'2', {0b01110, 0b10001, 0b00001, 0b00010, 0b00100, 0b01000, 0b11111}},
    {'3', {0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110}},
    {'4', {0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010}},
    {'5', {0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110}},
    {'6', {0b01110, 0b10000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110}},
    {'7', {0b11111, 0b00001, 0b00010, 0b00100, 0b00100, 0b01000, 0b01000}},
    {'8', {0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110}},
    {'9', {0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00001, 0b01110}},
    {'A', {0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001}},
    {'B', {0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110}},
    {'C', {0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110}},
    {'D', {0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110}},
    {'E', {0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111}},
    {'F', {0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000}},
    {'G', {0b01110, 0b10001, 0b10000, 0b10111, 0b10001, 0b10001, 0b01110}},
    {'H', {0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001}},
    {'I', {0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110}},
    {'J', {0b00111, 0b00010, 0b00010, 0b00010, 0b00010, 0b10010, 0b01100}},
    {'j', {0b00010, 0b00000, 0b00110, 0b00010, 0b00010, 0b10010, 0b01100}},
    {'K', {0b10001, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010, 0b10001}},
    {'L', {0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111}},
    {'M', {0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001}},
    {'N', {0b10001, 0b11001, 0b11001, 0b10101, 0b10011, 0b10011, 0b10001}},
    {'O', {0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110}},
    {'P', {0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000}},
    {'Q', {0b01110, 0b10001, 0b10001, 0b10001, 0b10101, 0b10010, 0b01101}},
    {'R', {0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001}},
    {'S', {0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110}},
    {'T', {0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100}},
    {'U', {0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110}},
    {'V', {0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01010, 0b00100}},
    {'W', {0b10001, 0b10001, 0b10001, 0b10101, 0b10101, 0b11011, 0b10001}},
    {'X', {0b10001, 0b10001, 0b01010, 0b00100, 0b01010, 0b10001, 0b10001}},
    {'Y', {0b10001, 0b10001, 0b01010, 0b00100, 0b00100, 0b00100, 0b00100}},
    {'Z', {0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b10000, 0b11111}},
    {'.', {0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100}},
    {',', {0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b00100, 0b01000}},
    {'-', {0b00000, 0b00000, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000}},
    {'+', {0b00000, 0b00100, 0b00100, 0b11111, 0b00100, 0b00100, 0b00000}},
    {'=', {0b00000, 0b00000, 0b11111, 0b00000, 0b11111, 0b00000, 0b00000}},
    {'/', {0b00001, 0b00001, 0b00010, 0b00100, 0b01000, 0b10000, 0b10000}},
    {'<', {0b00010, 0b00100, 0b01000, 0b10000, 0b01000, 0b00100, 0b00010}},
    {'|', {0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100}},
};
// clang-format on

std::uint8_t to_byte(double share) {
  return static_cast<std::uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)));
}

}  // namespace

Picture::Picture(int height, int width, Color background) : height(height), width(width) {
  rgb.reserve(static_cast<std::size_t>(height) * width * 3);
  for (int i = 0; i < height * width; ++i)
    rgb.insert(rgb.end(), {background.red, background.green, background.blue});
}

void Picture::set(int row, int column, Color color) {
  if (row < 0 || row >= height || column < 0 || column >= width) return;
  auto* pixel = &rgb[(static_cast<std::size_t>(row) * width + column) * 3];
  pixel[0] = color.red;
  pixel[1] = color.green;
  pixel[2] = color.blue;
}

void Picture::fill(int top, int left, int rows, int columns, Color color) {
  for (int row = top; row < top + rows; ++row) {
    for (int column = left; column < left + columns; ++column) set(row, column, color);
  }
}

void Picture::paste(const Picture& other, int top, int left) {
  for (int row = 0; row < other.height; ++row) {
    for (int column = 0; column < other.width; ++column) {
      const auto* pixel = &other.rgb[(static_cast<std::size_t>(row) * other.width + column) * 3];
      set(top + row, left + column, {pixel[0], pixel[1], pixel[2]});
    }
  }
}

void Picture::circle(double row, double column, double radius, Color color) {
  const int steps = static_cast<int>(16 * radius);
  for (int step = 0; step < steps; ++step) {
    const double angle = 2 * std::numbers::pi * step / steps;
    for (const double r : {radius - 0.25, radius + 0.25}) {
      set(static_cast<int>(std::lround(row + r * std::sin(angle))),
          static_cast<int>(std::lround(column + r * std::cos(angle))), color);
    }
  }
}

void Picture::write(std::string_view text, int top, int left, int scale, Color color) {
  for (const char character : text) {
    for (const auto& glyph : glyphs) {
      if (glyph.character != character) continue;
      for (int row = 0; row < glyph_height; ++row) {
        for (int column = 0; column < glyph_width; ++column) {
          if ((glyph.rows[row] >> (glyph_width - 1 - column) & 1) != 0)
            fill(top + row * scale, left + column * scale, scale, scale, color);
        }
      }
    }
    left += (glyph_width + 1) * scale;
  }
}

int text_width(std::string_view text, int scale) {
  return static_cast<int>(text.size()) * (glyph_width + 1) * scale;
}

Color heat(double value) {
  const double share = std::clamp(value, 0.0, 1.0);
  const double angle = 2 * std::numbers::pi * (0.5 / 3 + 1 - 1.5 * share);
  const double amplitude = 1.2 * share * (1 - share) / 2;
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  return {.red = to_byte(share + amplitude * (-0.14861 * cosine + 1.78277 * sine)),
          .green = to_byte(share + amplitude * (-0.29227 * cosine - 0.90649 * sine)),
          .blue = to_byte(share + amplitude * 1.97294 * cosine)};
}

Color grey_level(double value) {
  const auto byte = to_byte(value);
  return {.red = byte, .green = byte, .blue = byte};
}

Color diverging(double value) {
  const double share = std::clamp(std::abs(value), 0.0, 1.0);
  // Dark ends, so that the largest values stand out from the large ones.
  const std::array<double, 3> end = value < 0 ? std::array{0.02, 0.19, 0.48} : std::array{0.50, 0.02, 0.10};
  const std::array<double, 3> middle =
      value < 0 ? std::array{0.26, 0.58, 0.86} : std::array{0.93, 0.40, 0.30};
  const auto channel = [&](int c) {
    return share < 0.5 ? 1 + (middle[c] - 1) * 2 * share : middle[c] + (end[c] - middle[c]) * (2 * share - 1);
  };
  return {.red = to_byte(channel(0)), .green = to_byte(channel(1)), .blue = to_byte(channel(2))};
}

}  // namespace scatlight::analysis
