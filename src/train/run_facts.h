#pragma once

#include <string>

#include "nets/network.h"
#include "train/json.h"
#include "train/options.h"

namespace scatlight::train {

/// What run.json says of every run: versions, the command and its flags (a JSON object), the machine, the
/// time.
Json facts_of_call(const std::string& command, const std::string& flags, int threads);

/// The content of run.json: what is trained, on which images, with which flags, on which machine.
std::string run_facts_json(const TrainOptions& options, const nets::Network& network);

}  // namespace scatlight::train
