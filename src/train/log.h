#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace scatlight::train {

/// The log of a run: one JSON object a line. A line is in the file, whole, when write() returns; a kill
/// leaves at most one broken line at the end, which a resume cuts off. Errors name the file and the reason.
class RunLog {
 public:
  /// Keeps the first `keep` bytes of an earlier log (0: begins a new one) and cuts off the rest.
  /// Throws Error when the file cannot be written, is shorter than `keep`, or is no regular file.
  RunLog(const std::filesystem::path& path, std::uint64_t keep);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// Appends one line; `json` has no line break.
  void write(std::string_view json);

  /// Waits until all lines are on the disk.
  void sync();

  std::uint64_t bytes() const { return bytes_; }  ///< Length of all whole lines.

 private:
  [[noreturn]] void fail(std::string_view reason) const;
  [[noreturn]] void fail_with_errno() const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t bytes_ = 0;
};

}  // namespace scatlight::train
