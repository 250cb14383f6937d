#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace scatlight::io {

/// Writes a file so that a kill, a crash or a full disk at any moment leaves either the old file or the new
/// one, whole. The bytes go to the hidden file .NAME.tmp beside it; commit() flushes that to the disk,
/// renames it over the old one and flushes the folder. Without commit() the destructor removes it. One that a
/// killed process left behind is taken over by the next writer of the same file, so leftovers do not pile up.
/// Every error is one line with the path and the reason.
class AtomicFile {
 public:
  /// Throws Error when the folder is absent or may not be written, when the path is no regular file (a
  /// folder, a device), or when another writer is at work on it. A symbolic link is followed: the file it
  /// names is replaced.
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends. Small pieces are gathered.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  /// Puts the new file in the old one's place. Nothing may be written afterwards.
  void commit();

 private:
  void open_temporary();
  void write_through(std::span<const std::byte> bytes);
  void close_temporary();
  [[noreturn]] void fail(std::string_view reason) const;
  [[noreturn]] void fail_with_errno() const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::vector<std::byte> gathered_;
};

/// AtomicFile for content that is in memory.
void write_file(const std::filesystem::path& path, std::string_view content);
void write_file(const std::filesystem::path& path, std::span<const std::byte> content);

/// Makes the folder that the file is to be in. Throws Error when the file could not be written there, so that
/// this is known before the work whose result it is begins.
void make_folder_for(const std::filesystem::path& file);

}  // namespace scatlight::io
