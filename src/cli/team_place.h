#pragma once

#include <string>

namespace scatlight::cli {

/// The place of this process among those that torchrun started together. The default: it is alone.
struct TeamPlace {
  std::string group = {};  ///< Name of torch.distributed's process group; empty: the process is alone.
  int rank = 0;
  int size = 1;
  int local_rank = 0;  ///< Among the processes of this machine.
  int local_size = 1;  ///< Processes of this machine.
  int restarts = 0;    ///< How often torchrun has started all of them anew.
  /// An id of this start of torchrun and its restarts, for the first process; empty if there is none.
  std::string run_id = {};
};

}  // namespace scatlight::cli
