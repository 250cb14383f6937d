#include "data/dead_leaves.h"

#include "data/leaf_canvas.h"
#include "data/leaves.h"

namespace scatlight::data {
namespace {

using leaves::anywhere;
using leaves::Canvas;
using leaves::leaf_of;
using leaves::Light;
using leaves::neutral_leaf;
using leaves::Palette;
using leaves::Random;

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
  const auto light = Light::draw(random);
  Canvas canvas(size);
  canvas.paint_ground(palette, light, random);
  paint_figures(canvas, kind, palette, light, random);
  return canvas.photograph(light, random);
}

std::uint64_t picture_seed(std::uint64_t seed, std::string_view split, Kind kind, int index) {
  std::uint64_t mixed = Random(seed).bits();
  for (const char letter : split) mixed = Random(mixed ^ static_cast<unsigned char>(letter)).bits();
  mixed = Random(mixed ^ static_cast<std::uint64_t>(kind)).bits();
  return Random(mixed ^ static_cast<std::uint64_t>(index)).bits();
}

}  // namespace scatlight::data
