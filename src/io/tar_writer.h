#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "io/atomic_file.h"

namespace scatlight::io {

/// Writes a tar archive in POSIX's form (ustar), which every reader knows, as AtomicFile writes files. The
/// same members give the same bytes: times and owners are zero.
class TarWriter {
 public:
  explicit TarWriter(const std::filesystem::path& path) : file_(path) {}

  /// Appends a file. Throws Error for a name of more than 100 bytes and for content of 8 GiB and more.
  void add(std::string_view name, std::span<const std::uint8_t> content);

  /// Puts the archive in its place. Nothing may be added afterwards.
  void commit();

 private:
  AtomicFile file_;
};

}  // namespace scatlight::io
