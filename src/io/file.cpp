#include "io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "io/display.h"

namespace scatlight::io {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view reason) {
  throw Error(fmt::format("cannot read {}: {}", display_path(path), reason));
}

[[noreturn]] void fail_with_errno(const std::filesystem::path& path) {
  fail(path, errno == EMFILE ? "too many files are open: the system's limit is reached (ulimit -n)"
                             : std::generic_category().message(errno));
}

[[noreturn]] void fail_as_changed(const std::filesystem::path& path, std::string_view how) {
  throw FileChanged(fmt::format("cannot read {}: it was {} while it was in use", display_path(path), how));
}

std::chrono::nanoseconds changed_at(const struct stat& status) {
  return std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
}

template <class Buffer>
Buffer read_whole(const std::filesystem::path& path, std::uint64_t limit) {
  const ReadOnlyFile file(path);
  if (file.size() > limit) {
    fail(path, fmt::format("it has {} bytes, at most {} are accepted", file.size(), limit));
  }
  Buffer buffer(file.size(), 0);
  file.read(0, std::as_writable_bytes(std::span(buffer)));
  return buffer;
}

}  // namespace

ReadOnlyFile::ReadOnlyFile(std::filesystem::path path) : path_(std::move(path)) {
  // Non-blocking, because opening a pipe would wait for its writer.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail_with_errno(path_);
  struct stat status = {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (known && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    changed_ = changed_at(status);
    has_name_ = status.st_nlink > 0;
    return;
  }
  const auto reason = !known                    ? std::generic_category().message(errno)
                      : S_ISDIR(status.st_mode) ? std::string("it is a folder, not a file")
                                                : std::string("it is not a regular file");
  ::close(descriptor_);
  fail(path_, reason);
}

ReadOnlyFile::~ReadOnlyFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

ReadOnlyFile::ReadOnlyFile(ReadOnlyFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      changed_(other.changed_),
      has_name_(other.has_name_) {}

void ReadOnlyFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  constexpr std::size_t largest_request = std::size_t{1} << 30;
  while (!bytes.empty()) {
    const auto count = ::pread(descriptor_, bytes.data(), std::min(bytes.size(), largest_request),
                               static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_with_errno(path_);
    if (count == 0) fail(path_, fmt::format("it ends at byte {}", offset));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void ReadOnlyFile::check_unchanged() const {
  struct stat status = {};
  if (::fstat(descriptor_, &status) != 0) fail_with_errno(path_);
  if (has_name_ && status.st_nlink == 0) fail_as_changed(path_, "deleted or replaced");
  if (static_cast<std::uint64_t>(status.st_size) != size_ || changed_at(status) != changed_) {
    fail_as_changed(path_, "changed");
  }
}

void raise_open_file_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& path, std::uint64_t limit) {
  return read_whole<std::vector<std::uint8_t>>(path, limit);
}

std::string read_text(const std::filesystem::path& path, std::uint64_t limit) {
  return read_whole<std::string>(path, limit);
}

}  // namespace scatlight::io
