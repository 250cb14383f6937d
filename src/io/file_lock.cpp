#include "io/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "io/display.h"
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
  // Neither a link to somewhere else nor a pipe, which would wait for its other end.
  FileLock lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666));
  if (!lock) fail();
  if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) fail();
  return {};
}

}  // namespace scatlight::io
