#include "io/atomic_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>  // renameat2
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "io/display.h"
#include "io/open_locked.h"
#include "scatlight/error.h"

namespace scatlight::io {
namespace {

namespace fs = std::filesystem;

/// False, with the reason in errno, when the file system cannot.
bool exchange(const fs::path& a, const fs::path& b) {
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
}

fs::path without_last_slash(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

}  // namespace

AtomicFolder::AtomicFolder(const fs::path& path) try
    : path_(without_last_slash(fs::weakly_canonical(fs::absolute(path)))) {
  if (!path_.has_filename()) fail("it is the root of all folders");
  const auto beside = [&](std::string_view ending) {
    return path_.parent_path() / fmt::format(".{}.{}", path_.filename().native(), ending);
  };
  partial_ = beside("partial");
  old_ = beside("old");
  lock_ = beside("lock");
  fs::create_directories(path_.parent_path());
  descriptor_ = open_locked(lock_);
  if (descriptor_ < 0 && errno == EWOULDBLOCK) fail("another process is writing it");
  if (descriptor_ < 0) fail_with_errno();
  try {
    take_over_leftovers();
    fs::create_directory(partial_);
  } catch (...) {
    remove_leftovers();
    throw;
  }
} catch (const fs::filesystem_error& error) {
  throw Error(fmt::format("cannot write {}: {}", display_path(path), error.code().message()));
}

AtomicFolder::~AtomicFolder() { remove_leftovers(); }

void AtomicFolder::take_over_leftovers() {
  fs::remove_all(partial_);
  if (fs::exists(old_) && !fs::exists(path_)) fs::rename(old_, path_);  // a replacement was cut short
  fs::remove_all(old_);
}

void AtomicFolder::remove_leftovers() noexcept {
  std::error_code ignored;
  fs::remove_all(partial_, ignored);
  fs::remove_all(old_, ignored);
  ::unlink(lock_.c_str());
  ::close(descriptor_);
}

void AtomicFolder::commit() {
  if (::rename(partial_.c_str(), path_.c_str()) != 0) fail_with_errno();
}

void AtomicFolder::replace() {
  if (::rename(partial_.c_str(), path_.c_str()) == 0 || exchange(partial_, path_)) return;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) fail_with_errno();
  if (::rename(path_.c_str(), old_.c_str()) != 0) fail_with_errno();
  if (::rename(partial_.c_str(), path_.c_str()) == 0) return;
  const int reason = errno;
  ::rename(old_.c_str(), path_.c_str());
  errno = reason;
  fail_with_errno();
}

void AtomicFolder::fail(std::string_view reason) const {
  throw Error(fmt::format("cannot write {}: {}", display_path(path_), reason));
}

void AtomicFolder::fail_with_errno() const { fail(std::generic_category().message(errno)); }

}  // namespace scatlight::io
