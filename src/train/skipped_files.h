#pragma once

#include <vector>

#include "data/left_out.h"
#include "train/team.h"

namespace scatlight::train {

/// The files that any member of a team left out, by rank. Collective.
std::vector<data::SkippedFile> skipped_of_team(const std::vector<data::SkippedFile>& own, const Team& team);

}  // namespace scatlight::train
