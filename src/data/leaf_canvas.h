#pragma once

#include <cstdint>
#include <vector>

#include "data/leaves.h"

namespace scatlight::data::leaves {

/// A square picture while it is painted, in linear light.
class Canvas {
 public:
  explicit Canvas(int size);

  /// Neutral leaves fall until nothing of the ground is seen.
  void paint_ground(const Palette& palette, const Light& light, Random& random);

  void paint(const Leaf& leaf, const Light& light);

  /// Takes the photograph, with a random exposure, sharpness and grain: (size, size, 3) sRGB bytes. The
  /// canvas is of no use afterwards.
  std::vector<std::uint8_t> photograph(const Light& light, Random& random);

 private:
  void paint_shadow(const Leaf& leaf, const Light& light);
  void illuminate(const Light& light, float exposure);
  void soften(float side);
  void blur_along(const std::vector<Rgb>& from, std::vector<Rgb>& to, int step_x, int step_y,
                  float side) const;
  std::vector<std::uint8_t> develop(float grain, Random& random) const;

  int size_;
  float pixel_;
  std::vector<Rgb> pixels_;
};

/// Which leaf is seen at each pixel of a square picture.
class LeafMap {
 public:
  explicit LeafMap(int size);

  /// Lays a leaf over those before: it has each pixel that it covers more than half. Returns how many these
  /// are.
  int lay(const Leaf& leaf, int number);

  /// (size, size); 0 where no leaf was laid.
  const std::vector<int>& numbers() const { return numbers_; }

 private:
  int size_;
  std::vector<int> numbers_;
};

}  // namespace scatlight::data::leaves
