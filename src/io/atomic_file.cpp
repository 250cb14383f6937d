#include "io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "io/display.h"
#include "io/open_locked.h"
#include "scatlight/error.h"

namespace scatlight::io {
namespace {

constexpr std::size_t gather_size = std::size_t{1} << 20;

/// The file that a chain of symbolic links ends at, which need not exist.
std::filesystem::path follow_links(std::filesystem::path path) {
  std::error_code no_link;
  for (int depth = 0; depth < 40; ++depth) {
    const auto target = std::filesystem::read_symlink(path, no_link);
    if (no_link) break;
    path = path.parent_path() / target;
  }
  return path;
}

int sync_descriptor(int descriptor) {
  int result = 0;
  do {
    result = ::fsync(descriptor);
  } while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(follow_links(path)) {
  struct stat status = {};
  if (::stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    fail(S_ISDIR(status.st_mode) ? "it is a folder, not a file" : "it is not a regular file");
  }
  if (!path_.has_filename()) fail("it names no file");
  temporary_ = path_.parent_path() / fmt::format(".{}.tmp", path_.filename().native());
  gathered_.reserve(gather_size);
  open_temporary();
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    ::unlink(temporary_.c_str());
    close_temporary();
  }
}

void AtomicFile::open_temporary() {
  descriptor_ = open_locked(temporary_);
  if (descriptor_ < 0)
    fail(errno == EWOULDBLOCK ? "another process is writing it" : std::generic_category().message(errno));
  if (::ftruncate(descriptor_, 0) != 0) {
    const int reason = errno;
    close_temporary();
    errno = reason;
    fail_with_errno();
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (gathered_.size() + bytes.size() <= gather_size) {
    gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
    return;
  }
  write_through(gathered_);
  gathered_.clear();
  if (bytes.size() >= gather_size) {
    write_through(bytes);
  } else {
    gathered_.assign(bytes.begin(), bytes.end());
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::write_through(std::span<const std::byte> bytes) {
  constexpr std::size_t largest_request = std::size_t{1} << 30;
  while (!bytes.empty()) {
    const auto count = ::write(descriptor_, bytes.data(), std::min(bytes.size(), largest_request));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_with_errno();
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::commit() {
  write_through(gathered_);
  gathered_.clear();
  if (sync_descriptor(descriptor_) != 0) fail_with_errno();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_with_errno();
  close_temporary();

  // The new name itself is on the disk only when its folder is.
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  const int folder_descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_descriptor < 0) return;  // a folder that may be written but not read: nothing more can be done
  const int result = sync_descriptor(folder_descriptor);
  const int reason = errno;
  ::close(folder_descriptor);
  // EINVAL: a file system that cannot flush a folder.
  if (result != 0 && reason != EINVAL) {
    errno = reason;
    fail_with_errno();
  }
}

void AtomicFile::close_temporary() {
  ::close(descriptor_);
  descriptor_ = -1;
}

void AtomicFile::fail(std::string_view reason) const {
  throw Error(fmt::format("cannot write {}: {}", display_path(path_), reason));
}

void AtomicFile::fail_with_errno() const { fail(std::generic_category().message(errno)); }

void write_file(const std::filesystem::path& path, std::span<const std::byte> content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  write_file(path, std::as_bytes(std::span(content)));
}

void make_folder_for(const std::filesystem::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(fmt::format("{}: {}", display_path(folder), error.message()));
  if (!std::filesystem::is_directory(folder))
    throw Error(fmt::format("{} is a file, not a folder", display_path(folder)));
  const AtomicFile probe(file);
}

}  // namespace scatlight::io
