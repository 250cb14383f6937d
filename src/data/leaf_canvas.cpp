#include "data/leaf_canvas.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace scatlight::data::leaves {
namespace {

Point to_leaf(const Leaf& leaf, Point p) {
  const Point d{p.x - leaf.centre.x, p.y - leaf.centre.y};
  return {leaf.to_leaf[0] * d.x + leaf.to_leaf[1] * d.y, leaf.to_leaf[2] * d.x + leaf.to_leaf[3] * d.y};
}

float leaf_distance(const Leaf& leaf, Point p) {
  return leaf.outline ? outline_distance(*leaf.outline, p) : blob_distance(leaf.blob, p);
}

/// Share of a pixel that lies inside an edge at signed distance d; `pixel` is its width in the same unit.
float coverage(float d, float pixel) { return std::clamp(0.5F - d / pixel, 0.0F, 1.0F); }

/// Cheap and true for most places that an edge of this width does not touch.
bool far_outside(const Leaf& leaf, Point p, float edge_width) {
  const float reach = leaf.reach + 0.5F * edge_width;
  return p.x * p.x + p.y * p.y > reach * reach;
}

/// Calls visit(index, place) for the pixels of a square around a centre, in a picture of `size` pixels a
/// side.
template <class Visit>
void for_each_pixel(int size, Point centre, float half, const Visit& visit) {
  const float pixel = 1 / static_cast<float>(size);
  const auto bound = [&](float x) {
    return static_cast<int>(std::clamp(std::floor(x / pixel), 0.0F, static_cast<float>(size)));
  };
  const int last_y = std::min(bound(centre.y + half) + 1, size);
  const int last_x = std::min(bound(centre.x + half) + 1, size);
  for (int y = bound(centre.y - half); y < last_y; ++y) {
    for (int x = bound(centre.x - half); x < last_x; ++x) {
      visit(static_cast<std::size_t>(y) * static_cast<std::size_t>(size) + static_cast<std::size_t>(x),
            Point{(static_cast<float>(x) + 0.5F) * pixel, (static_cast<float>(y) + 0.5F) * pixel});
    }
  }
}

/// Calls visit(index, p, distance, coverage) for the pixels that a leaf covers at least in part; p is in the
/// leaf's coordinates, and distance that to its outline.
template <class Visit>
void for_each_covered(int size, const Leaf& leaf, const Visit& visit) {
  const float pixel = 1 / static_cast<float>(size);
  const float leaf_pixel = pixel / leaf.radius;
  for_each_pixel(size, leaf.centre, 1.02F * leaf.reach * leaf.radius + pixel,
                 [&](std::size_t index, Point at) {
                   const Point p = to_leaf(leaf, at);
                   if (far_outside(leaf, p, leaf_pixel)) return;
                   const float distance = leaf_distance(leaf, p);
                   const float cover = coverage(distance, leaf_pixel);
                   if (cover > 0) visit(index, p, distance, cover);
                 });
}

/// The light a leaf sends back at a place p of its own coordinates, `distance` from its outline.
Rgb surface(const Leaf& leaf, const Light& light, Point p, float distance, float leaf_pixel, int octaves) {
  const float cloudy = cloud({1.7F * p.x, 1.7F * p.y}, octaves, leaf.cloud_seed);
  const float marks = leaf.texture ? coverage(texture_distance(*leaf.texture, p, leaf.period), leaf_pixel)
                                   : std::clamp((leaf.marbling - 1.4F * cloudy) * 3 + 0.5F, 0.0F, 1.0F);
  float brightness = 1 + leaf.cloudiness * cloudy;
  if (leaf.raised) {
    // The leaf swells towards its middle, so one side faces the light and the edge looks away.
    const float length_scale = leaf.radius;
    const Point lit{
        (leaf.to_leaf[0] * light.direction.x + leaf.to_leaf[1] * light.direction.y) * length_scale,
        (leaf.to_leaf[2] * light.direction.x + leaf.to_leaf[3] * light.direction.y) * length_scale};
    brightness *= 1 + light.relief * (p.x * lit.x + p.y * lit.y);
    brightness *= 1 - 0.5F * light.relief * std::exp(8 * distance);
  }
  return mix(leaf.first, leaf.second, marks) * std::max(brightness, 0.05F);
}

}  // namespace

Canvas::Canvas(int size)
    : size_(size), pixel_(1 / static_cast<float>(size)), pixels_(static_cast<std::size_t>(size) * size) {}

void Canvas::paint_ground(const Palette& palette, const Light& light, Random& random) {
  std::ranges::fill(pixels_, to_rgb(palette.draw(random)));
  for (int i = 0; i < 9; ++i) {
    const Point centre = anywhere(random, -0.1F);
    paint(neutral_leaf(centre, random.uniform(0.25F, 0.5F), palette, random), light);
  }
  const int count = random.integer(60, 260);
  for (int i = 0; i < count; ++i) {
    const Point centre = anywhere(random, -0.05F);
    auto leaf = neutral_leaf(centre, random.radius(0.016F, 0.3F), palette, random);
    leaf.raised = leaf.radius > 0.03F;
    paint(leaf, light);
  }
}

void Canvas::paint(const Leaf& leaf, const Light& light) {
  if (leaf.raised) paint_shadow(leaf, light);
  // Marbling finer than a pixel would only alias.
  const int octaves = std::clamp(static_cast<int>(std::log2(leaf.radius / pixel_)), 1, 4);
  for_each_covered(size_, leaf, [&](std::size_t index, Point p, float distance, float cover) {
    const auto colour = surface(leaf, light, p, distance, pixel_ / leaf.radius, octaves);
    pixels_[index] = mix(pixels_[index], colour, cover);
  });
}

std::vector<std::uint8_t> Canvas::photograph(const Light& light, Random& random) {
  illuminate(light, random.uniform(0.85F, 1.3F));
  soften(random.uniform(0, 0.25F));
  const float grain = random.uniform(0.004F, 0.02F);
  return develop(grain, random);
}

/// Darkens what lies behind a leaf, away from the light.
void Canvas::paint_shadow(const Leaf& leaf, const Light& light) {
  const float reach = 0.16F * std::sqrt(leaf.radius * 0.2F);
  const Point offset{light.direction.x * reach, light.direction.y * reach};
  const float softness = 2.2F * reach / leaf.radius;
  const Point centre{leaf.centre.x - offset.x, leaf.centre.y - offset.y};
  for_each_pixel(size_, centre, leaf.reach * leaf.radius + 1.1F * reach, [&](std::size_t index, Point at) {
    const Point p = to_leaf(leaf, {at.x + offset.x, at.y + offset.y});
    if (far_outside(leaf, p, softness)) return;
    const float depth = coverage(leaf_distance(leaf, p), softness);
    if (depth > 0) pixels_[index] = pixels_[index] * (1 - light.shadow * depth * depth);
  });
}

/// Brightness falls off away from the light and towards the corners, as through a lens.
void Canvas::illuminate(const Light& light, float exposure) {
  for_each_pixel(size_, {0.5F, 0.5F}, 1, [&](std::size_t index, Point at) {
    const Point d{at.x - 0.5F, at.y - 0.5F};
    const float towards = d.x * light.direction.x + d.y * light.direction.y;
    pixels_[index] =
        pixels_[index] * (exposure * (1 + light.fall_off * towards) * (1 - 0.35F * (d.x * d.x + d.y * d.y)));
  });
}

/// A small symmetric blur: `side` is the weight of each neighbour along a row and a column.
void Canvas::soften(float side) {
  std::vector<Rgb> before = pixels_;
  blur_along(before, pixels_, 1, 0, side);
  before.swap(pixels_);
  blur_along(before, pixels_, 0, 1, side);
}

void Canvas::blur_along(const std::vector<Rgb>& from, std::vector<Rgb>& to, int step_x, int step_y,
                        float side) const {
  const auto at = [&](int x, int y) {
    return from[static_cast<std::size_t>(std::clamp(y, 0, size_ - 1)) * size_ + std::clamp(x, 0, size_ - 1)];
  };
  for (int y = 0; y < size_; ++y) {
    for (int x = 0; x < size_; ++x) {
      const Rgb ends = mix(at(x - step_x, y - step_y), at(x + step_x, y + step_y), 0.5F);
      to[static_cast<std::size_t>(y) * size_ + x] = mix(at(x, y), ends, 2 * side);
    }
  }
}

/// sRGB bytes with the grain of a sensor.
std::vector<std::uint8_t> Canvas::develop(float grain, Random& random) const {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(3 * pixels_.size());
  const auto push = [&](float linear) {
    linear = std::max(linear, 0.0F);
    const float encoded =
        linear <= 0.0031308F ? 12.92F * linear : 1.055F * std::pow(linear, 1 / 2.4F) - 0.055F;
    // A shoulder instead of hard clipping of the lights.
    const float soft = encoded < 0.8F ? encoded : 0.8F + 0.2F * std::tanh((encoded - 0.8F) / 0.2F);
    const float level = 255 * (soft + grain * random.normal());
    bytes.push_back(static_cast<std::uint8_t>(std::lround(std::clamp(level, 0.0F, 255.0F))));
  };
  for (const Rgb& pixel : pixels_) {
    push(pixel.r);
    push(pixel.g);
    push(pixel.b);
  }
  return bytes;
}

LeafMap::LeafMap(int size)
    : size_(size), numbers_(static_cast<std::size_t>(size) * static_cast<std::size_t>(size)) {}

int LeafMap::lay(const Leaf& leaf, int number) {
  int covered = 0;
  for_each_covered(size_, leaf, [&](std::size_t index, Point, float, float cover) {
    if (cover <= 0.5F) return;
    numbers_[index] = number;
    ++covered;
  });
  return covered;
}

}  // namespace scatlight::data::leaves
