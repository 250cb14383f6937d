#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace scatlight::io {

/// What a progress line says.
struct ProgressFacts {
  std::string_view label;       ///< What is being done: "draw", "epoch 3".
  std::string_view unit;        ///< What is counted, plural: "images".
  std::string_view note;        ///< Free text at the end: "loss 1.234". May be empty.
  std::int64_t done = 0;        ///< Items done so far.
  std::int64_t total = 0;       ///< Items in all; 0 when nobody knows.
  double seconds = 0;           ///< Since the start.
  double items_per_second = 0;  ///< 0 while unknown.
};

/// 75 -> "1:15", 3675 -> "1:01:15".
std::string format_duration(double seconds);

/// One line with a bar that is at most `columns` wide. Where room is short the bar shrinks first, then goes,
/// then the note, then the right end is cut.
std::string progress_bar_line(const ProgressFacts& facts, int columns);

/// The same facts without a bar, for a log file.
std::string progress_plain_line(const ProgressFacts& facts);

/// Where progress is shown.
struct ProgressOutput {
  int descriptor = 2;        ///< A file descriptor; standard error by default. Not owned.
  int columns = -1;          ///< -1: ask the descriptor. 0: it is no terminal. Else the terminal's width.
  double plain_seconds = 5;  ///< Time between lines when it is no terminal.
  std::function<double()> seconds_now = {};  ///< A clock for tests; the steady clock by default.
};

/// Shows how far some work is: a bar redrawn at most ten times per second on a terminal, else a plain line
/// every few seconds. All members may be called from any thread. A failing descriptor is ignored: progress is
/// never worth an error.
class Progress {
 public:
  /// total 0 means that nobody knows how many items there are; then there is no share and no time left.
  Progress(std::string label, std::int64_t total, std::string unit = "images", ProgressOutput output = {});

  /// Takes the bar away if finish() was not called, so that an error message starts on a clean line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::int64_t items = 1);

  /// Text at the end of the line from now on, such as "loss 1.234".
  void note(std::string text);

  /// Prints a line of its own above the bar (a warning, a result).
  void say(std::string_view line);

  /// Replaces the bar by one last line with the total, the time and the mean rate. Later calls do nothing.
  void finish();

  std::int64_t done() const { return done_.load(std::memory_order_relaxed); }
  double seconds() const;           ///< Since the start.
  double items_per_second() const;  ///< Mean since the start; 0 before any item.

 private:
  double now() const;
  int columns() const;
  ProgressFacts facts() const;
  void show();
  void clear();
  void write(std::string_view text) const;

  const std::string label_;
  const std::string unit_;
  const std::int64_t total_;
  const ProgressOutput output_;
  const bool terminal_;
  const double start_;
  std::atomic<std::int64_t> done_ = 0;
  std::atomic<double> next_show_;
  std::mutex mutex_;  // guards what follows, and the order of writes
  std::string note_;
  bool bar_is_shown_ = false;
  bool finished_ = false;
};

}  // namespace scatlight::io
