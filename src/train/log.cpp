#include "train/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::train {
namespace {

/// Closes the descriptor unless it is released: constructors that throw have no destructor.
class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

}  // namespace

RunLog::RunLog(const std::filesystem::path& path, std::uint64_t keep) : path_(path), bytes_(keep) {
  // A pipe would wait for its other end, and a link leads to what is not ours to cut.
  OpenFile file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666));
  if (file.get() < 0) {
    if (errno == ELOOP || errno == ENXIO) fail("it is not a regular file");
    fail_with_errno();
  }
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) fail_with_errno();
  if (!S_ISREG(status.st_mode)) fail("it is not a regular file");
  if (static_cast<std::uint64_t>(status.st_size) < keep) {
    fail(fmt::format("it has {} bytes, but {} when the checkpoint was written: it is not this run's log",
                     status.st_size, keep));
  }
  if (::ftruncate(file.get(), static_cast<off_t>(keep)) != 0) fail_with_errno();
  descriptor_ = file.release();
}

RunLog::~RunLog() { ::close(descriptor_); }

void RunLog::write(std::string_view json) {
  const auto line = fmt::format("{}\n", json);
  std::string_view rest = line;
  while (!rest.empty()) {
    const auto offset = static_cast<off_t>(bytes_ + (line.size() - rest.size()));
    const auto count = ::pwrite(descriptor_, rest.data(), rest.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int reason = errno;
      // A full disk took a part of the line. The length of whole lines is still known where this fails too.
      [[maybe_unused]] const int ignored = ::ftruncate(descriptor_, static_cast<off_t>(bytes_));
      errno = reason;
      fail_with_errno();
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  bytes_ += line.size();
}

void RunLog::sync() {
  if (::fsync(descriptor_) != 0 && errno != EINTR) fail_with_errno();
}

void RunLog::fail(std::string_view reason) const {
  throw Error(fmt::format("cannot write {}: {}", io::display_path(path_), reason));
}

void RunLog::fail_with_errno() const { fail(std::generic_category().message(errno)); }

}  // namespace scatlight::train
