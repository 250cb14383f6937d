#include "data/mark.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "data/glyphs.h"

namespace scatlight::data {
namespace {

/// Whole pixels, half-open.
struct PixelBox {
  int left = 0;
  int top = 0;
  int right = 0;
  int bottom = 0;

  PixelBox grown(int by) const { return {left - by, top - by, right + by, bottom + by}; }
  PixelBox moved_to(int x, int y) const { return {x, y, x + right - left, y + bottom - top}; }
  bool overlaps(const PixelBox& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

constexpr MarkColour black = {0, 0, 0};
constexpr MarkColour white = {255, 255, 255};

class Painter {
 public:
  explicit Painter(Image& image) : image_(image) {
    const int shorter = std::min(image.width, image.height);
    line_ = std::max(1, static_cast<int>(std::lround(shorter / 240.0)));
    dot_ = std::max(1, static_cast<int>(std::lround(shorter / 280.0)));
  }

  /// A line of colour with thin dark ones on both sides, which is seen on every ground.
  void paint_frame(const Mark& mark) {
    const auto frame = area_of(mark.box);
    const int edge = std::max(1, line_ / 2);
    paint_outline(frame.grown(edge), edge, black, 0.45F);
    paint_outline(frame, line_, mark.colour, 1);
    paint_outline(frame.grown(-line_), edge, black, 0.45F);
  }

  void paint_tag(const Mark& mark) {
    if (mark.text.empty()) return;
    const auto letters = ascii_of(mark.text);
    const auto tag = place_tag(area_of(mark.box), static_cast<int>(letters.size()));
    fill(tag.grown(std::max(1, line_ / 2)), black, 0.45F);
    fill(tag, mark.colour, 1);
    const auto [red, green, blue] = mark.colour;
    const auto& ink = 0.299 * red + 0.587 * green + 0.114 * blue > 120 ? black : white;
    int x = tag.left + padding();
    for (const char letter : letters) {
      paint_letter(letter, x, tag.top + padding(), ink);
      x += advance();
    }
    tags_.push_back(tag);
  }

 private:
  int padding() const { return 2 * dot_; }
  int advance() const { return (glyph_width + 1) * dot_; }

  static PixelBox area_of(const Rect& box) {
    const auto round = [](float x) { return static_cast<int>(std::lround(std::clamp(x, -1e6F, 1e6F))); };
    return {round(box.left), round(box.top), round(box.right), round(box.bottom)};
  }

  /// One for each character; those beyond ASCII are DEL, whose glyph is hollow.
  static std::string ascii_of(const std::string& text) {
    std::string letters;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte & 0xC0) == 0x80) continue;  // the rest of a character
      letters += byte >= 0x20 && byte < 0x7F ? c : '\x7F';
    }
    return letters;
  }

  /// Above the box, or in it at the top, or below it: the first place in the picture that no other tag has.
  PixelBox place_tag(const PixelBox& frame, int letters) const {
    const PixelBox size{.right = letters * advance() - dot_ + 2 * padding(),
                        .bottom = glyph_height * dot_ + 2 * padding()};
    const int x = std::max(0, std::min(frame.left, image_.width - size.right));
    const int highest = std::max(0, image_.height - size.bottom);
    const PixelBox places[] = {size.moved_to(x, frame.top - size.bottom), size.moved_to(x, frame.top + line_),
                               size.moved_to(x, frame.bottom),
                               size.moved_to(x, frame.bottom - line_ - size.bottom)};
    for (const auto& place : places) {
      const bool is_free =
          std::ranges::none_of(tags_, [&](const PixelBox& tag) { return tag.overlaps(place); });
      if (is_free && place.top >= 0 && place.top <= highest) return place;
    }
    return size.moved_to(x, std::clamp(frame.top - size.bottom, 0, highest));
  }

  void paint_letter(char letter, int x, int y, const MarkColour& ink) {
    for (int row = 0; row < glyph_height; ++row) {
      for (int column = 0; column < glyph_width; ++column) {
        if (!glyph_has_ink(letter, column, row)) continue;
        const int left = x + column * dot_;
        const int top = y + row * dot_;
        fill({left, top, left + dot_, top + dot_}, ink, 1);
      }
    }
  }

  /// Along the inside of an area.
  void paint_outline(const PixelBox& area, int width, const MarkColour& colour, float share) {
    if (area.right - area.left <= 2 * width || area.bottom - area.top <= 2 * width) {
      fill(area, colour, share);
      return;
    }
    fill({area.left, area.top, area.right, area.top + width}, colour, share);
    fill({area.left, area.bottom - width, area.right, area.bottom}, colour, share);
    fill({area.left, area.top + width, area.left + width, area.bottom - width}, colour, share);
    fill({area.right - width, area.top + width, area.right, area.bottom - width}, colour, share);
  }

  void fill(const PixelBox& area, const MarkColour& colour, float share) {
    const int right = std::min(area.right, image_.width);
    const int bottom = std::min(area.bottom, image_.height);
    for (int y = std::max(area.top, 0); y < bottom; ++y) {
      for (int x = std::max(area.left, 0); x < right; ++x) {
        auto* pixel = &image_.rgb[3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image_.width) +
                                       static_cast<std::size_t>(x))];
        for (std::size_t c = 0; c < 3; ++c) {
          pixel[c] = static_cast<std::uint8_t>(std::lround(pixel[c] + (colour[c] - pixel[c]) * share));
        }
      }
    }
  }

  Image& image_;
  int line_ = 1;
  int dot_ = 1;  ///< Pixels per side of a dot of a glyph.
  std::vector<PixelBox> tags_;
};

}  // namespace

MarkColour label_colour(int label) {
  constexpr MarkColour colours[] = {{255, 95, 80},   {70, 160, 255},  {60, 200, 110},  {255, 190, 40},
                                    {200, 110, 255}, {40, 210, 210},  {255, 130, 190}, {190, 220, 60},
                                    {255, 145, 40},  {130, 140, 255}, {0, 170, 130},   {215, 180, 140}};
  return colours[static_cast<std::size_t>(label) % std::size(colours)];
}

void mark(Image& image, std::span<const Mark> marks) {
  Painter painter(image);
  for (const auto& one : marks) painter.paint_frame(one);
  for (const auto& one : marks) painter.paint_tag(one);
}

}  // namespace scatlight::data
