#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include "train/team.h"

// For the files that talk to torch.distributed; they are compiled with USE_DISTRIBUTED.

namespace scatlight::train {

struct Team::Group {
  c10::intrusive_ptr<c10d::ProcessGroup> processes;
};

}  // namespace scatlight::train
