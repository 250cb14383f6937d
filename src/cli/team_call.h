#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/team_place.h"
#include "cli/transform_job.h"
#include "io/progress.h"
#include "train/team.h"

// A call of a command by one process of several.

namespace scatlight::cli {

/// The team of a process. Throws Error when its members are not of one version.
train::Team join_team(const TeamPlace& place);

/// Throws Error where members were called with other commands or flags. Paths may differ, as long as all
/// members have them or none. Collective, as the next, and the first that a command does with its team.
void check_call(const train::Team& team, const CLI::App& command);

/// For the progress of the team: the member that leads shows it.
io::ProgressOutput progress_of(const train::Team& team);

/// What the progress of a member's own files is called: "predict", "predict, process 0 of 8".
std::string title_of(const std::string& work, const train::Team& team);

/// Throws io::Stopped on all members once one was asked to stop. Collective.
void check_stop(const train::Team& team);

/// The weights file of a run folder, or the file itself: train::find_model() on all members. Throws Error
/// where members have other bytes in it. Collective.
std::filesystem::path find_model(const std::filesystem::path& model, const train::Team& team);

/// The images of a command line that a member works on, in the order of all; none if there are fewer images
/// than members. Throws Error where members were given other ones. Collective.
std::vector<std::filesystem::path> own_inputs(const std::vector<std::string>& inputs,
                                              const train::Team& team);

/// How the members share the files of a transform; each writes a part of the output.
TransformShare share_files(const train::Team& team);

/// The threads of a process where the user asks for so many; 0: its part of the machine's.
int threads_of(int threads, const TeamPlace& place);

}  // namespace scatlight::cli
