#pragma once

#include <filesystem>
#include <string_view>

namespace scatlight::io {

/// Writes a folder so that a kill at any moment leaves either the old folder or the new one, whole. All goes
/// into the hidden folder .NAME.partial beside it, which is renamed at the end; without that the destructor
/// removes it. What a killed process left behind is taken over by the next writer of the same folder. Every
/// error is one line with the path and the reason.
class AtomicFolder {
 public:
  /// Makes the folders above, too. Throws Error when that is not permitted, or when another writer is at work
  /// on the same folder. A symbolic link is followed.
  explicit AtomicFolder(const std::filesystem::path& path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  /// Where to write.
  const std::filesystem::path& partial() const { return partial_; }

  /// Puts the new folder where there is none, or an empty one.
  void commit();

  /// Puts the new folder in the old one's place, which goes away with all that it holds. Where the file
  /// system cannot exchange two folders, a kill may leave none; then the next writer finds the old one again.
  void replace();

 private:
  void take_over_leftovers();
  void remove_leftovers() noexcept;
  [[noreturn]] void fail(std::string_view reason) const;
  [[noreturn]] void fail_with_errno() const;

  std::filesystem::path path_;
  std::filesystem::path partial_;
  std::filesystem::path old_;   ///< The old folder on its way out.
  std::filesystem::path lock_;  ///< A file that is there as long as somebody writes.
  int descriptor_ = -1;         ///< Of the lock.
};

}  // namespace scatlight::io
