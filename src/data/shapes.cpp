#include "data/shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scatlight::data {
namespace {

constexpr float pi = std::numbers::pi_v<float>;

constexpr std::array<std::string_view, 12> names = {"discs",   "stripes",  "triangles", "dots",
                                                    "stars",   "checkers", "rings",     "waves",
                                                    "crosses", "spirals",  "crescents", "scales"};

float length(Point p) { return std::sqrt(p.x * p.x + p.y * p.y); }

/// Distance from x to the nearest multiple of period.
float to_lattice(float x, float period) { return std::abs(x - period * std::round(x / period)); }

float box_distance(Point p, float half_width, float half_height) {
  return std::max(std::abs(p.x) - half_width, std::abs(p.y) - half_height);
}

/// An equilateral triangle: the farthest of three half-planes.
float triangle_distance(Point p) {
  constexpr float half_sqrt3 = 0.8660254F;
  const float side = half_sqrt3 * std::abs(p.x) + 0.5F * p.y;
  return std::max(side, -p.y) - 0.5F;
}

/// A star with five tips: folded into half of one tip, it is one straight edge.
float star_distance(Point p) {
  constexpr float sector = 2 * pi / 5;
  constexpr float inner_radius = 0.42F;
  const float radius = length(p);
  const float angle = std::atan2(p.y, p.x);
  const float folded = std::abs(angle - sector * std::round(angle / sector));
  const Point q{radius * std::cos(folded), radius * std::sin(folded)};
  // The edge runs from the tip (1, 0) to the notch between two tips.
  const Point edge{inner_radius * std::cos(sector / 2) - 1, inner_radius * std::sin(sector / 2)};
  return ((q.x - 1) * -edge.y + q.y * edge.x) / -length(edge);
}

float crescent_distance(Point p) { return std::max(length(p) - 1, 0.82F - length({p.x - 0.5F, p.y})); }

float checkers_distance(Point p, float period) {
  const float half = period / 2;
  const float edge = std::min(to_lattice(p.x, half), to_lattice(p.y, half));
  const auto cell = static_cast<int>(std::floor(p.x / half)) + static_cast<int>(std::floor(p.y / half));
  return cell % 2 == 0 ? -edge : edge;
}

/// Discs on a hexagonal lattice: the nearer one of two rectangular lattices.
float dots_distance(Point p, float period) {
  const float row = period * 1.7320508F;
  const float first = length({to_lattice(p.x, period), to_lattice(p.y, row)});
  const float second = length({to_lattice(p.x + period / 2, period), to_lattice(p.y + row / 2, row)});
  return std::min(first, second) - 0.3F * period;
}

/// Stripes that swing from side to side; the slope is taken out of the distance.
float waves_distance(Point p, float period) {
  const float k = 2 * pi / (1.6F * period);
  const float swing = 0.3F * period;
  const float x = p.x + swing * std::sin(k * p.y);
  const float slope = swing * k * std::cos(k * p.y);
  return (to_lattice(x, period) - period / 4) / std::sqrt(1 + slope * slope);
}

float spirals_distance(Point p, float period) {
  const float turn = std::atan2(p.y, p.x) / (2 * pi);
  return to_lattice(length(p) - turn * period, period) - period / 4;
}

/// Rows of fish scales: the outline of overlapping discs, each row half a scale further.
float scales_distance(Point p, float period) {
  const float line = 0.13F * period;
  const float rise = period / 2;
  float distance = period;
  const float first_row = std::floor(p.y / rise);
  // The nearest row on top covers the ones behind it.
  for (int back = 0; back < 3; ++back) {
    const float row = first_row - static_cast<float>(back);
    const float shift = static_cast<int>(row) % 2 == 0 ? 0 : period / 2;
    const float radius = length({to_lattice(p.x + shift, period), p.y - row * rise});
    const float scale_radius = 0.56F * period;
    if (radius <= scale_radius + line) return std::min(distance, std::abs(radius - scale_radius) - line);
    distance = std::min(distance, radius - scale_radius - line);
  }
  return distance;
}

std::uint32_t hash(std::uint32_t x, std::uint32_t y, std::uint32_t seed) {
  std::uint32_t h = seed ^ (x * 0x9E3779B1U) ^ (y * 0x85EBCA77U);
  h = (h ^ (h >> 15)) * 0x2C1B3C6DU;
  h = (h ^ (h >> 12)) * 0x297A2D39U;
  return h ^ (h >> 15);
}

/// A random value in -1..1 at each corner of the unit lattice.
float corner(int x, int y, std::uint32_t seed) {
  const auto h = hash(static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y), seed);
  return static_cast<float>(h >> 8) * 0x1p-23F - 1;
}

float value_noise(Point p, std::uint32_t seed) {
  // std::floor is a call where the processor's baseline has no instruction for it.
  const int x = static_cast<int>(p.x) - (p.x < 0 ? 1 : 0);
  const int y = static_cast<int>(p.y) - (p.y < 0 ? 1 : 0);
  const auto ease = [](float t) { return t * t * (3 - 2 * t); };
  const float u = ease(p.x - static_cast<float>(x));
  const float v = ease(p.y - static_cast<float>(y));
  const float top = std::lerp(corner(x, y, seed), corner(x + 1, y, seed), u);
  const float bottom = std::lerp(corner(x, y + 1, seed), corner(x + 1, y + 1, seed), u);
  return std::lerp(top, bottom, v);
}

}  // namespace

std::span<const std::string_view> kind_names() { return names; }

bool is_outline(Kind kind) {
  switch (kind) {
    case Kind::Discs:
    case Kind::Triangles:
    case Kind::Stars:
    case Kind::Rings:
    case Kind::Crosses:
    case Kind::Crescents:
      return true;
    default:
      return false;
  }
}

float outline_distance(Kind kind, Point p) {
  switch (kind) {
    case Kind::Triangles:
      return triangle_distance(p);
    case Kind::Stars:
      return star_distance(p);
    case Kind::Rings:
      return std::abs(length(p) - 0.74F) - 0.24F;
    case Kind::Crosses:
      return std::min(box_distance(p, 1, 0.3F), box_distance(p, 0.3F, 1));
    case Kind::Crescents:
      return crescent_distance(p);
    default:
      return length(p) - 1;
  }
}

float texture_distance(Kind kind, Point p, float period) {
  switch (kind) {
    case Kind::Dots:
      return dots_distance(p, period);
    case Kind::Checkers:
      return checkers_distance(p, period);
    case Kind::Waves:
      return waves_distance(p, period);
    case Kind::Spirals:
      return spirals_distance(p, period);
    case Kind::Scales:
      return scales_distance(p, period);
    default:
      return to_lattice(p.x, period) - period / 4;
  }
}

float blob_distance(const Blob& blob, Point p) {
  const float radius = length(p);
  if (radius < 1e-3F) return -1;
  // Powers of e^{i theta} instead of a cosine for each harmonic.
  const std::complex<float> unit(p.x / radius, p.y / radius);
  std::complex<float> power = unit;
  float outline = 1;
  float slope = 0;  // dr / dtheta
  for (std::size_t k = 0; k < blob.harmonics.size(); ++k) {
    power = {power.real() * unit.real() - power.imag() * unit.imag(),
             power.real() * unit.imag() + power.imag() * unit.real()};
    const auto h = blob.harmonics[k];
    outline += h.real() * power.real() - h.imag() * power.imag();
    slope -= static_cast<float>(k + 2) * (h.real() * power.imag() + h.imag() * power.real());
  }
  return (radius - outline) / std::sqrt(1 + slope * slope / (radius * radius));
}

float cloud(Point p, int octaves, std::uint32_t seed) {
  float sum = 0;
  float height = 0.6F;
  for (int octave = 0; octave < octaves; ++octave) {
    sum += height * value_noise(p, seed + static_cast<std::uint32_t>(octave));
    height /= 2;
    p = {2 * p.x + 17.3F, 2 * p.y - 5.7F};
  }
  return sum;
}

}  // namespace scatlight::data
