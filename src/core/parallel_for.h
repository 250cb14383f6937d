#pragma once

#include <cstdint>
#include <functional>

#include "scatlight/options.h"

namespace scatlight {

/// Runs body(0) ... body(count - 1) on at most `threads` threads, the caller being one of them, and returns
/// when all are done. The first exception is rethrown here; the indices that were not begun by then are left
/// out.
///
/// The other threads belong to the process: they are started when they are first needed, and wait. Any number
/// of threads may call at once, also from within a body: each works on its own loop, and the helpers go where
/// work is left. A child made by fork() has helpers of its own.
void parallel_for(int threads, std::int64_t count, const std::function<void(std::int64_t)>& body);

/// The loops of a plan: the caller's, or its own on resolved.threads.
ParallelFor choose_threads(const ScatteringOptions& resolved);

/// From now on the calling thread, and the helpers of its loops, have only the time that the session's other
/// threads leave. There is no way back.
void work_in_background();

}  // namespace scatlight
