#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "data/shapes.h"

// A procedural data set for image classification with the statistics of photographs.
//
// A picture is a "dead leaves" scene: opaque leaves of all sizes (density of radii r^-3) fall on each other
// until nothing of the ground is seen, which gives the edges, the occlusion and the scale invariance of
// natural images. The leaves of the class are strewn among neutral ones, irregular and marbled. Colours,
// light, sharpness and noise come from one distribution for all classes, so colour does not help: only
// outline and texture do.

namespace scatlight::data {

/// Draws one picture of a kind: (size, size, 3) sRGB bytes. The same arguments give the same bytes on any
/// thread, and another size gives the same scene with more or less detail. size is at least 1.
std::vector<std::uint8_t> draw_dead_leaves(Kind kind, int size, std::uint64_t seed);

/// The seed of picture `index` of a class in a split ("train", "val"); distinct for distinct arguments.
std::uint64_t picture_seed(std::uint64_t seed, std::string_view split, Kind kind, int index);

}  // namespace scatlight::data
