#pragma once

#include <c10/core/Device.h>

#include <string>

#include "nets/network.h"
#include "train/json.h"
#include "train/options.h"
#include "train/team.h"

namespace scatlight::train {

/// What run.json says of every run: versions, the command and its flags (a JSON object), the machine, the
/// time.
Json facts_of_call(const std::string& command, const std::string& flags, int threads);

/// What run.json says of a team: what its call is known by, and where each member computes. Collective.
Json facts_of_team(const Team& team, const std::string& call_id, const at::Device& device);

/// What run.json says: what is trained, at which cost for an image (see nets::Cost), on which images, with
/// which flags, on which machine.
Json run_facts(const TrainOptions& options, const nets::Network& network);

}  // namespace scatlight::train
