#pragma once

#include "detect/detector.h"
#include "detect/train_options.h"
#include "train/json.h"

namespace scatlight::detect {

/// What run.json says: what is trained, on which pictures, with which flags, on which machine.
train::Json run_facts(const DetectorTrainOptions& options, const Detector& detector);

}  // namespace scatlight::detect
