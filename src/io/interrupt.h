#pragma once

#include "scatlight/error.h"

namespace scatlight::io {

/// Work that a signal ended before it was done. main() prints the message and lets the signal end the
/// process, so that the shell sees its status.
class Stopped : public Error {
 public:
  using Error::Error;
};

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

  /// Throws Stopped once a stop was asked for. Long work calls it between its steps.
  static void check();

  /// The signal that asked for the last stop; 0 if none did.
  static int signal();
};

}  // namespace scatlight::io
