#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/random.h"
#include "detect/matching.h"

namespace scatlight::detect {

/// The random numbers that an image's samples are drawn with. They are none of those that augment the image,
/// and depend on the three alone: not on threads, nor on the batch.
data::CounterRandom sampling_random(std::uint64_t seed, std::uint64_t epoch, std::uint64_t image);

/// Draws `count` of the matches without repetition, up to `share` of them positive and the rest negative;
/// fewer if there are not enough. Returns their indices, ascending.
std::vector<std::size_t> sample(std::span<const Match> matches, int count, float share,
                                data::CounterRandom& random);

}  // namespace scatlight::detect
