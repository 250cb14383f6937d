#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/left_out.h"
#include "train/team.h"

namespace scatlight::train {

/// The name of a file from the root of its data set on, by which all members of a team know it: the root may
/// lie in another place on each machine.
std::string name_from_root(const std::string& file, const std::filesystem::path& root);

/// The files that any member of a team left out, by rank. Collective.
std::vector<data::SkippedFile> skipped_of_team(const std::vector<data::SkippedFile>& own, const Team& team);

}  // namespace scatlight::train
