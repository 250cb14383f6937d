#pragma once

#include <filesystem>

namespace scatlight::io {

/// Opens a file, which is made where there is none, and locks it against all other openings by this function.
/// The lock distinguishes a living writer from a leftover, since it ends when the descriptor is closed or its
/// process dies. Returns the descriptor, or -1 and errno, which is EWOULDBLOCK when the lock is taken.
int open_locked(const std::filesystem::path& path);

}  // namespace scatlight::io
