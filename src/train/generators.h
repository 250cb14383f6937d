#pragma once

#include <cstdint>

#include "train/checkpoint.h"
#include "train/team.h"

// The random numbers that networks draw while they train (dropout): of the CPU's generator, on every device.

namespace scatlight::train {

/// Gives each member numbers of its own, that follow from the seed and its rank.
void seed_member(const Team& team);

/// The states of all members' generators, for a checkpoint: "generator", "generator.1", ... by rank.
/// Collective.
NamedTensors gather_generators(const Team& team);

/// The same tensors for this many members, to be filled.
NamedTensors empty_generators(int members);

/// Goes on with the member's state; a member without one draws other numbers than any did before this step.
void resume_generator(const Team& team, const NamedTensors& states, std::int64_t step);

}  // namespace scatlight::train
