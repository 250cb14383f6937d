#pragma once

#include <string>
#include <vector>

#include "nets/network.h"

namespace scatlight::train {

/// The content of run.json: what is trained, with which flags (a JSON object), on which machine.
std::string run_facts_json(const std::string& flags, const nets::Network& network,
                           const std::vector<std::string>& classes, int threads);

}  // namespace scatlight::train
