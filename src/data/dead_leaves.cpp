#include "data/dead_leaves.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <string_view>

namespace scatlight::data {
namespace {

constexpr float pi = std::numbers::pi_v<float>;

/// Small and fast random numbers (SplitMix64) whose distributions, unlike the standard library's, are the
/// same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  std::uint32_t seed32() { return static_cast<std::uint32_t>(bits() >> 32); }
  float uniform(float low = 0, float high = 1) {
    return low + (high - low) * static_cast<float>(bits() >> 40) * 0x1p-24F;
  }
  /// low <= result <= high
  int integer(int low, int high) {
    return low + static_cast<int>(bits() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(float probability) { return uniform() < probability; }
  /// Sum of four uniform numbers: close enough to a normal one, of deviation 1, and never beyond 3.5.
  float normal() { return (uniform() + uniform() + uniform() + uniform() - 2) * 1.7320508F; }
  /// Radii of density r^-3 between low and high: every octave covers the same area.
  float radius(float low, float high) {
    const float most = 1 / (low * low);
    const float least = 1 / (high * high);
    return 1 / std::sqrt(most - uniform() * (most - least));
  }

 private:
  std::uint64_t state_;
};

/// Linear light.
struct Rgb {
  float r = 0;
  float g = 0;
  float b = 0;
};

Rgb operator*(Rgb c, float s) { return {c.r * s, c.g * s, c.b * s}; }
Rgb mix(Rgb a, Rgb b, float t) {
  return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}

/// A colour as eyes see it: Oklab's lightness 0..1, chroma 0..0.3 and hue in radians.
struct Colour {
  float lightness = 0;
  float chroma = 0;
  float hue = 0;
};

/// Oklab to linear sRGB (B. Ottosson, "A perceptual color space for image processing", 2020).
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

/// The colours of one scene lie around two hues, as things that were photographed together do.
class Palette {
 public:
  explicit Palette(Random& random)
      : hues_{random.uniform(0, 2 * pi), random.uniform(0, 2 * pi)},
        chroma_(random.uniform(0.02F, 0.1F)),
        lightness_(random.uniform(0.5F, 0.66F)) {}
  Colour draw(Random& random) const {
    return {.lightness = std::clamp(lightness_ + 0.15F * random.normal(), 0.18F, 0.93F),
            .chroma = std::clamp(chroma_ + 0.03F * random.normal(), 0.0F, 0.17F),
            .hue = hues_[random.chance(0.6F) ? 0 : 1] + 0.35F * random.normal()};
  }

  /// A colour whose lightness is not the scene's usual one.
  Colour draw_apart(Random& random) const {
    Colour colour = draw(random);
    const float step = random.uniform(0.14F, 0.3F);
    colour.lightness = lightness_ + (random.chance(0.5F) ? step : -step);
    return colour;
  }

 private:
  float hues_[2];
  float chroma_;
  float lightness_;
};

/// A second colour for a leaf's marks: the same material, clearly lighter or darker.
Colour second_colour(Colour first, Random& random) {
  const float step = random.uniform(0.13F, 0.3F);
  const bool lighter = first.lightness < 0.35F || (first.lightness < 0.75F && random.chance(0.5F));
  return {.lightness = std::clamp(first.lightness + (lighter ? step : -step), 0.1F, 0.97F),
          .chroma = std::clamp(first.chroma + 0.03F * random.normal(), 0.0F, 0.17F),
          .hue = first.hue + 0.5F * random.normal()};
}

/// One leaf. Lengths are in picture widths; leaf coordinates are to_leaf * (p - centre).
struct Leaf {
  Point centre;
  float radius = 0;
  float reach = 1;              // of the outline, in leaf units
  float to_leaf[4] = {};        // row by row
  std::optional<Kind> outline;  // a blob if empty
  Blob blob;
  std::optional<Kind> texture;  // marbled if empty
  float period = 0;             // of the texture, in leaf units
  float marbling = 0;           // how much of the marbled leaf has the second colour, about -1..1
  float cloudiness = 0;         // how much the light changes over the surface
  Rgb first;
  Rgb second;
  std::uint32_t cloud_seed = 0;
  bool raised = true;  // has a shadow and a lit edge
};

/// What lights a scene.
struct Light {
  Point direction;     // unit, towards the light
  float fall_off = 0;  // of brightness over the picture
  float shadow = 0;    // 0 none, 1 black
  float relief = 0;    // how round the leaves look
};

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

/// What all leaves have in common: an irregular outline, marbling, two colours.
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

/// A neutral leaf that takes on the outline or the texture of a kind. It stands out from its scene a little,
/// by as much for every kind.
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

/// The picture while it is painted, in linear light.
class Canvas {
 public:
  explicit Canvas(int size)
      : size_(size), pixel_(1 / static_cast<float>(size)), pixels_(static_cast<std::size_t>(size) * size) {}

  void fill(Rgb colour) { std::fill(pixels_.begin(), pixels_.end(), colour); }

  void paint(const Leaf& leaf, const Light& light) {
    if (leaf.raised) paint_shadow(leaf, light);
    const float leaf_pixel = pixel_ / leaf.radius;
    // Marbling finer than a pixel would only alias.
    const int octaves = std::clamp(static_cast<int>(std::log2(leaf.radius / pixel_)), 1, 4);
    for_each_pixel(leaf.centre, 1.02F * leaf.reach * leaf.radius + pixel_, [&](Rgb& pixel, Point at) {
      const Point p = to_leaf(leaf, at);
      if (far_outside(leaf, p, leaf_pixel)) return;
      const float distance = leaf_distance(leaf, p);
      const float cover = coverage(distance, leaf_pixel);
      if (cover > 0) pixel = mix(pixel, surface(leaf, light, p, distance, leaf_pixel, octaves), cover);
    });
  }

  /// Brightness falls off away from the light and towards the corners, as through a lens.
  void illuminate(const Light& light, float exposure) {
    for_each_pixel({0.5F, 0.5F}, 1, [&](Rgb& pixel, Point at) {
      const Point d{at.x - 0.5F, at.y - 0.5F};
      const float towards = d.x * light.direction.x + d.y * light.direction.y;
      pixel = pixel * (exposure * (1 + light.fall_off * towards) * (1 - 0.35F * (d.x * d.x + d.y * d.y)));
    });
  }

  /// A small symmetric blur: `side` is the weight of each neighbour along a row and a column.
  void soften(float side) {
    std::vector<Rgb> before = pixels_;
    blur_along(before, pixels_, 1, 0, side);
    before.swap(pixels_);
    blur_along(before, pixels_, 0, 1, side);
  }

  /// sRGB bytes with the grain of a sensor.
  std::vector<std::uint8_t> develop(float grain, Random& random) const {
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

 private:
  /// Calls visit(pixel, place) for the pixels of a square around a centre.
  template <class Visit>
  void for_each_pixel(Point centre, float half, Visit visit) {
    const auto bound = [&](float x) {
      return static_cast<int>(std::clamp(std::floor(x / pixel_), 0.0F, static_cast<float>(size_)));
    };
    const int last_y = std::min(bound(centre.y + half) + 1, size_);
    const int last_x = std::min(bound(centre.x + half) + 1, size_);
    for (int y = bound(centre.y - half); y < last_y; ++y) {
      for (int x = bound(centre.x - half); x < last_x; ++x) {
        visit(pixels_[static_cast<std::size_t>(y) * size_ + x],
              Point{(static_cast<float>(x) + 0.5F) * pixel_, (static_cast<float>(y) + 0.5F) * pixel_});
      }
    }
  }

  /// Darkens what lies behind a leaf, away from the light.
  void paint_shadow(const Leaf& leaf, const Light& light) {
    const float reach = 0.16F * std::sqrt(leaf.radius * 0.2F);
    const Point offset{light.direction.x * reach, light.direction.y * reach};
    const float softness = 2.2F * reach / leaf.radius;
    const Point centre{leaf.centre.x - offset.x, leaf.centre.y - offset.y};
    for_each_pixel(centre, leaf.reach * leaf.radius + 1.1F * reach, [&](Rgb& pixel, Point at) {
      const Point p = to_leaf(leaf, {at.x + offset.x, at.y + offset.y});
      if (far_outside(leaf, p, softness)) return;
      const float depth = coverage(leaf_distance(leaf, p), softness);
      if (depth > 0) pixel = pixel * (1 - light.shadow * depth * depth);
    });
  }

  /// The light a leaf sends back at a place p of its own coordinates, `distance` from its outline.
  static Rgb surface(const Leaf& leaf, const Light& light, Point p, float distance, float leaf_pixel,
                     int octaves) {
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

  void blur_along(const std::vector<Rgb>& from, std::vector<Rgb>& to, int step_x, int step_y,
                  float side) const {
    const auto at = [&](int x, int y) {
      return from[static_cast<std::size_t>(std::clamp(y, 0, size_ - 1)) * size_ +
                  std::clamp(x, 0, size_ - 1)];
    };
    for (int y = 0; y < size_; ++y) {
      for (int x = 0; x < size_; ++x) {
        const Rgb ends = mix(at(x - step_x, y - step_y), at(x + step_x, y + step_y), 0.5F);
        to[static_cast<std::size_t>(y) * size_ + x] = mix(at(x, y), ends, 2 * side);
      }
    }
  }

  int size_;
  float pixel_;
  std::vector<Rgb> pixels_;
};

Point anywhere(Random& random, float margin) {
  const float x = random.uniform(margin, 1 - margin);
  return {x, random.uniform(margin, 1 - margin)};
}

/// Neutral leaves fall until the ground is covered.
void paint_ground(Canvas& canvas, const Palette& palette, const Light& light, Random& random) {
  canvas.fill(to_rgb(palette.draw(random)));
  for (int i = 0; i < 9; ++i) {
    const Point centre = anywhere(random, -0.1F);
    canvas.paint(neutral_leaf(centre, random.uniform(0.25F, 0.5F), palette, random), light);
  }
  const int count = random.integer(60, 260);
  for (int i = 0; i < count; ++i) {
    const Point centre = anywhere(random, -0.05F);
    auto leaf = neutral_leaf(centre, random.radius(0.016F, 0.3F), palette, random);
    leaf.raised = leaf.radius > 0.03F;
    canvas.paint(leaf, light);
  }
}

/// The leaves of the class, with neutral leaves and a stranger among them that hide parts of them.
void paint_figures(Canvas& canvas, Kind kind, const Palette& palette, const Light& light, Random& random) {
  const int count = random.integer(3, 7);
  const int stranger_comes_before = random.chance(0.5F) ? random.integer(0, count - 1) : -1;
  for (int i = 0; i < count; ++i) {
    if (i == stranger_comes_before) {
      const int kinds = static_cast<int>(kind_names().size());
      const int other = (static_cast<int>(kind) + random.integer(1, kinds - 1)) % kinds;
      const Point centre = anywhere(random, 0);
      const float radius = random.radius(0.06F, 0.12F);
      canvas.paint(leaf_of(static_cast<Kind>(other), centre, radius, palette, random), light);
    }
    const Point centre = anywhere(random, 0.05F);
    canvas.paint(leaf_of(kind, centre, random.radius(0.09F, 0.27F), palette, random), light);
    const int cover = random.integer(1, 4);
    for (int k = 0; k < cover; ++k) {
      const Point place = anywhere(random, 0);
      canvas.paint(neutral_leaf(place, random.radius(0.025F, 0.15F), palette, random), light);
    }
  }
}

}  // namespace

std::vector<std::uint8_t> draw_dead_leaves(Kind kind, int size, std::uint64_t seed) {
  Random random(seed);
  const Palette palette(random);
  const float towards = random.uniform(0, 2 * pi);
  const Light light{.direction = {std::cos(towards), std::sin(towards)},
                    .fall_off = random.uniform(0, 0.7F),
                    .shadow = random.uniform(0.25F, 0.75F),
                    .relief = random.uniform(0.08F, 0.35F)};
  Canvas canvas(size);
  paint_ground(canvas, palette, light, random);
  paint_figures(canvas, kind, palette, light, random);
  canvas.illuminate(light, random.uniform(0.85F, 1.3F));
  canvas.soften(random.uniform(0, 0.25F));
  const float grain = random.uniform(0.004F, 0.02F);
  return canvas.develop(grain, random);
}

std::uint64_t picture_seed(std::uint64_t seed, std::string_view split, Kind kind, int index) {
  std::uint64_t mixed = Random(seed).bits();
  for (const char letter : split) mixed = Random(mixed ^ static_cast<unsigned char>(letter)).bits();
  mixed = Random(mixed ^ static_cast<std::uint64_t>(kind)).bits();
  return Random(mixed ^ static_cast<std::uint64_t>(index)).bits();
}

}  // namespace scatlight::data
