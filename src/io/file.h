#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scatlight/error.h"

namespace scatlight::io {

/// A file is no longer as it was when it was opened: it was written, replaced or deleted.
class FileChanged : public Error {
 public:
  using Error::Error;
};

/// A regular file open for reading at any place. Reads may come from several threads at a time.
/// Errors name the path and the reason.
class ReadOnlyFile {
 public:
  /// Throws Error when the path cannot be opened or is no regular file (a folder, a pipe, a device).
  explicit ReadOnlyFile(std::filesystem::path path);
  ~ReadOnlyFile();
  ReadOnlyFile(ReadOnlyFile&& other) noexcept;
  ReadOnlyFile& operator=(ReadOnlyFile&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }  ///< In bytes, when it was opened.

  /// Fills all of `bytes` from `offset` on. Throws Error when the file ends before.
  void read(std::uint64_t offset, std::span<std::byte> bytes) const;

  /// Throws FileChanged when the file has another size or time of its last change than when it was opened, or
  /// lost its name: it was written, replaced or deleted.
  void check_unchanged() const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::chrono::nanoseconds changed_ = {};  ///< When the content last changed, since 1970.
  bool has_name_ = true;                   ///< Some file systems of networks count no names of a file.
};

/// Raises the limit of open files of this process as far as the system allows. A data set may have thousands
/// of archives, and the usual limit is 1024.
void raise_open_file_limit();

/// The whole file. Throws Error when it is larger than `limit` bytes; no memory is taken before that is
/// known.
std::vector<std::uint8_t> read_bytes(const std::filesystem::path& path, std::uint64_t limit);
std::string read_text(const std::filesystem::path& path, std::uint64_t limit);

}  // namespace scatlight::io
