#pragma once

#include <string>

#include "detect/detector.h"
#include "detect/train_options.h"

namespace scatlight::detect {

/// The content of run.json: what is trained, on which pictures, with which flags, on which machine.
std::string run_facts_json(const DetectorTrainOptions& options, const Detector& detector);

}  // namespace scatlight::detect
