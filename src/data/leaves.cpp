#include "data/leaves.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace scatlight::data::leaves {
namespace {

/// A second colour for a leaf's marks: the same material, clearly lighter or darker.
Colour second_colour(Colour first, Random& random) {
  const float step = random.uniform(0.13F, 0.3F);
  const bool lighter = first.lightness < 0.35F || (first.lightness < 0.75F && random.chance(0.5F));
  return {.lightness = std::clamp(first.lightness + (lighter ? step : -step), 0.1F, 0.97F),
          .chroma = std::clamp(first.chroma + 0.03F * random.normal(), 0.0F, 0.17F),
          .hue = first.hue + 0.5F * random.normal()};
}

/// A random turn, size and slant.
void place(Leaf& leaf, Point centre, float radius, Random& random) {
  leaf.centre = centre;
  leaf.radius = radius;
  const float turn = random.uniform(0, 2 * pi);
  const float squeeze = random.uniform(1, 1.45F);
  const float axis = random.uniform(0, 2 * pi);
  // to_leaf = R(turn) * R(axis)' * diag(1, squeeze) * R(axis) / radius
  const float c = std::cos(axis);
  const float s = std::sin(axis);
  const float symmetric[3] = {c * c + squeeze * s * s, c * s * (1 - squeeze), s * s + squeeze * c * c};
  const float ct = std::cos(turn) / radius;
  const float st = std::sin(turn) / radius;
  leaf.to_leaf[0] = ct * symmetric[0] - st * symmetric[1];
  leaf.to_leaf[1] = ct * symmetric[1] - st * symmetric[2];
  leaf.to_leaf[2] = st * symmetric[0] + ct * symmetric[1];
  leaf.to_leaf[3] = st * symmetric[1] + ct * symmetric[2];
}

}  // namespace

Rgb operator*(Rgb c, float s) { return {c.r * s, c.g * s, c.b * s}; }
Rgb mix(Rgb a, Rgb b, float t) {
  return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}

Rgb to_rgb(Colour colour) {
  const float a = colour.chroma * std::cos(colour.hue);
  const float b = colour.chroma * std::sin(colour.hue);
  const auto cube = [](float x) { return x * x * x; };
  const float l = cube(colour.lightness + 0.3963377774F * a + 0.2158037573F * b);
  const float m = cube(colour.lightness - 0.1055613458F * a - 0.0638541728F * b);
  const float s = cube(colour.lightness - 0.0894841775F * a - 1.2914855480F * b);
  const auto positive = [](float x) { return std::max(x, 0.0F); };
  return {positive(4.0767416621F * l - 3.3077115913F * m + 0.2309699292F * s),
          positive(-1.2684380046F * l + 2.6097574011F * m - 0.3413193965F * s),
          positive(-0.0041960863F * l - 0.7034186147F * m + 1.7076147010F * s)};
}

Light Light::draw(Random& random) {
  const float towards = random.uniform(0, 2 * pi);
  return {.direction = {std::cos(towards), std::sin(towards)},
          .fall_off = random.uniform(0, 0.7F),
          .shadow = random.uniform(0.25F, 0.75F),
          .relief = random.uniform(0.08F, 0.35F)};
}

Leaf neutral_leaf(Point centre, float radius, const Palette& palette, Random& random) {
  Leaf leaf;
  place(leaf, centre, radius, random);
  for (std::size_t k = 0; k < leaf.blob.harmonics.size(); ++k) {
    const float height = 0.2F / static_cast<float>(k + 1);
    leaf.blob.harmonics[k] = {height * random.normal(), height * random.normal()};
    leaf.reach += std::abs(leaf.blob.harmonics[k]);
  }
  const Colour first = palette.draw(random);
  leaf.first = to_rgb(first);
  leaf.second = to_rgb(second_colour(first, random));
  leaf.marbling = random.uniform(-0.9F, 0.3F);
  leaf.cloudiness = random.uniform(0.05F, 0.4F);
  leaf.cloud_seed = random.seed32();
  return leaf;
}

Leaf leaf_of(Kind kind, Point centre, float radius, const Palette& palette, Random& random) {
  Leaf leaf = neutral_leaf(centre, radius, palette, random);
  const Colour first = palette.draw_apart(random);
  leaf.first = to_rgb(first);
  leaf.second = to_rgb(second_colour(first, random));
  if (is_outline(kind)) {
    leaf.outline = kind;
    leaf.reach = 1;
    leaf.marbling = random.uniform(-1.1F, -0.5F);
  } else {
    leaf.texture = kind;
    leaf.period = random.uniform(0.36F, 0.72F);
  }
  return leaf;
}

Point anywhere(Random& random, float margin) {
  const float x = random.uniform(margin, 1 - margin);
  return {x, random.uniform(margin, 1 - margin)};
}

}  // namespace scatlight::data::leaves
