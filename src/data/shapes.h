#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <span>
#include <string_view>

namespace scatlight::data {

/// A place in a leaf's own coordinates: its outline reaches about 1 from the centre.
struct Point {
  float x = 0;
  float y = 0;
};

/// What the classes of the drawn data set differ by: an outline with any texture, or a texture within any
/// outline.
enum class Kind {
  Discs,
  Stripes,
  Triangles,
  Dots,
  Stars,
  Checkers,
  Rings,
  Waves,
  Crosses,
  Spirals,
  Crescents,
  Scales,
};

/// The kinds' names in the order of Kind: the class folders of the drawn data set.
std::span<const std::string_view> kind_names();

/// True when the kind is an outline, false when it is a texture.
bool is_outline(Kind kind);

// Signed distances: negative inside, positive outside, and close to the edge the distance to it, so that
// coverage of a pixel is a ramp of this number over a pixel's width.

/// Distance to the outline of an outline kind.
float outline_distance(Kind kind, Point p);

/// Distance to the dark marks of a texture kind; `period` is the texture's repeat in leaf units.
float texture_distance(Kind kind, Point p, float period);

/// A smooth irregular outline, r(theta) = 1 + Re sum_k harmonics[k] e^{i (k + 2) theta}: the neutral leaf.
struct Blob {
  std::array<std::complex<float>, 4> harmonics = {};
};
float blob_distance(const Blob& blob, Point p);

/// Smooth random numbers over the plane: about -1 to 1, features one unit wide, each octave half as wide and
/// half as high as the one before, so the spectrum falls as photographs' do.
float cloud(Point p, int octaves, std::uint32_t seed);

}  // namespace scatlight::data
