#pragma once

#include <filesystem>

namespace scatlight::io {

/// A lock that one object at a time holds on a file, in whatever process. It ends with the object, and with
/// its process however that ends. The file stays.
class FileLock {
 public:
  /// Holds nothing.
  FileLock() = default;
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;

  /// Makes the file if it is absent, and locks it without waiting. Returns an empty lock when another holds
  /// it. Throws Error, which names the file, when it cannot be made or locked.
  static FileLock try_lock(const std::filesystem::path& file);

  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace scatlight::io
