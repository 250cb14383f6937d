#include "io/open_locked.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace scatlight::io {
namespace {

/// True when the name still leads to the open file: another writer may have renamed or removed it in between.
bool is_at(int descriptor, const std::filesystem::path& name) {
  struct stat open_file = {};
  struct stat named_file = {};
  return ::fstat(descriptor, &open_file) == 0 && ::lstat(name.c_str(), &named_file) == 0 &&
         open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
}

}  // namespace

int open_locked(const std::filesystem::path& path) {
  while (true) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0) return -1;
    const bool is_locked = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    if (is_locked && is_at(descriptor, path)) return descriptor;
    const int reason = errno;
    ::close(descriptor);
    errno = reason;
    if (!is_locked && reason != EINTR) return -1;
  }
}

}  // namespace scatlight::io
