#include "io/file_lock.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "io/display.h"
#include "io/open_locked.h"
#include "scatlight/error.h"

namespace scatlight::io {

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock FileLock::try_lock(const std::filesystem::path& file) {
  const auto fail = [&] {
    throw Error(
        fmt::format("cannot lock {}: {}", display_path(file), std::generic_category().message(errno)));
  };
  FileLock lock(open_locked(file));
  if (!lock && errno != EWOULDBLOCK) fail();
  return lock;
}

}  // namespace scatlight::io
