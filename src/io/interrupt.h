#pragma once

#include <string>

namespace scatlight::io {

/// While it lives, SIGINT and SIGTERM no longer end the process but ask for a stop; a second signal of the
/// same kind ends it as usual. One at a time.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  /// True from the first signal on.
  static bool requested();
};

}  // namespace scatlight::io
