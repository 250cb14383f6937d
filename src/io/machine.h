#pragma once

#include <cstdint>
#include <string>

namespace scatlight::io {

// Facts about the machine and this process, for reports.

std::string host_name();           ///< Of the machine; "unknown" where the system does not say.
std::string processor_name();      ///< As the kernel names it; "unknown" where it does not say.
int processor_threads();           ///< Threads that this process may run at the same time, at least 1.
std::int64_t memory_bytes();       ///< Of the machine; 0 where unknown.
std::int64_t free_memory_bytes();  ///< That programs can take without swapping; 0 where unknown.
std::int64_t peak_memory_bytes();  ///< Most resident memory this process had since the last restart.

/// From now on peak_memory_bytes() counts anew. False where the kernel cannot; then nothing has changed.
bool restart_peak_memory();

/// Programs that ran or waited to run, a mean over the last minute; negative where unknown.
double machine_load();

}  // namespace scatlight::io
