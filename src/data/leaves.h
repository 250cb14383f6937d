#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>

#include "data/shapes.h"

// What a scene of dead leaves is made of: leaves, their colours and their light. data/dead_leaves.h says what
// for.

namespace scatlight::data::leaves {

inline constexpr float pi = std::numbers::pi_v<float>;

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

Rgb operator*(Rgb c, float s);
Rgb mix(Rgb a, Rgb b, float t);

/// A colour as eyes see it: Oklab's lightness 0..1, chroma 0..0.3 and hue in radians.
struct Colour {
  float lightness = 0;
  float chroma = 0;
  float hue = 0;
};

/// Oklab to linear sRGB (B. Ottosson, "A perceptual color space for image processing", 2020).
Rgb to_rgb(Colour colour);

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

  static Light draw(Random& random);
};

/// What all leaves have in common: an irregular outline, marbling, two colours.
Leaf neutral_leaf(Point centre, float radius, const Palette& palette, Random& random);

/// A neutral leaf that takes on the outline or the texture of a kind. It stands out from its scene a little,
/// by as much for every kind.
Leaf leaf_of(Kind kind, Point centre, float radius, const Palette& palette, Random& random);

/// A place in the picture, at least `margin` from its edge.
Point anywhere(Random& random, float margin);

}  // namespace scatlight::data::leaves
