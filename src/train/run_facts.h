#pragma once

#include <string>

#include "nets/network.h"
#include "train/options.h"

namespace scatlight::train {

/// The content of run.json: what is trained, on which images, with which flags, on which machine.
std::string run_facts_json(const TrainOptions& options, const nets::Network& network);

}  // namespace scatlight::train
