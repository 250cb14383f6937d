#pragma once

#include <cstdint>
#include <string>

namespace scatlight::io {

// Facts about the machine and this process, for reports.

std::string host_name();           ///< Of the machine; "unknown" where the system does not say.
std::string processor_name();      ///< As the kernel names it; "unknown" where it does not say.
int processor_threads();           ///< Threads that this process may run at the same time, at least 1.
std::int64_t memory_bytes();       ///< Of the machine; 0 where unknown.
std::int64_t peak_memory_bytes();  ///< Most resident memory this process ever had.

}  // namespace scatlight::io
