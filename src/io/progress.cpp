#include "io/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace scatlight::io {
namespace {

constexpr double seconds_between_redraws = 0.1;
constexpr int widest_bar = 40;
constexpr int narrowest_bar = 5;

int terminal_columns(int descriptor) {
  if (!isatty(descriptor)) return 0;
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double share_done(const ProgressFacts& facts) {
  return std::clamp(static_cast<double>(facts.done) / static_cast<double>(facts.total), 0.0, 1.0);
}

std::string format_rate(const ProgressFacts& facts) {
  if (!(facts.items_per_second > 0)) return {};
  const int decimals = facts.items_per_second < 9.995 ? 2 : facts.items_per_second < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}/s", facts.items_per_second, decimals, facts.unit);
}

std::string format_count(const ProgressFacts& facts) {
  if (facts.total > 0) return fmt::format("{}/{} {}", facts.done, facts.total, facts.unit);
  return fmt::format("{} {}", facts.done, facts.unit);
}

std::string format_time_left(const ProgressFacts& facts) {
  if (facts.total <= 0 || !(facts.items_per_second > 0)) return format_duration(facts.seconds) + " so far";
  const auto left = static_cast<double>(std::max<std::int64_t>(facts.total - facts.done, 0));
  return format_duration(left / facts.items_per_second) + " left";
}

void append(std::string& line, std::string_view text) {
  if (text.empty()) return;
  if (!line.empty()) line += "  ";
  line += text;
}

/// Count, rate and time left.
std::string middle(const ProgressFacts& facts) {
  std::string text = format_count(facts);
  append(text, format_rate(facts));
  append(text, format_time_left(facts));
  return text;
}

/// "[=====>    ]", `cells` wide with its brackets.
std::string bar(double share, int cells) {
  const int inner = cells - 2;
  const int full = static_cast<int>(std::floor(share * inner));
  std::string text(static_cast<std::size_t>(inner), ' ');
  std::fill_n(text.begin(), full, '=');
  if (full < inner) text[static_cast<std::size_t>(full)] = '>';
  return "[" + text + "]";
}

}  // namespace

std::string format_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::clamp(seconds, 0.0, 1e9)));
  const auto hours = whole / 3600;
  const auto minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

std::string progress_bar_line(const ProgressFacts& facts, int columns) {
  const auto width = [](std::string_view text) { return static_cast<int>(text.size()); };
  std::string tail;
  if (facts.total > 0) tail = fmt::format("{:3.0f} %", std::floor(100 * share_done(facts)));
  append(tail, middle(facts));
  std::string with_note = tail;
  append(with_note, facts.note);
  const int label_width = width(facts.label) + 2;
  if (label_width + width(with_note) <= columns) tail = with_note;

  std::string line(facts.label);
  const int room = columns - label_width - width(tail) - 2;
  if (facts.total > 0 && room >= narrowest_bar)
    append(line, bar(share_done(facts), std::min(room, widest_bar)));
  append(line, tail);
  if (width(line) > columns) line.resize(static_cast<std::size_t>(std::max(columns, 0)));
  return line;
}

std::string progress_plain_line(const ProgressFacts& facts) {
  std::string line(facts.label);
  if (facts.total > 0) append(line, fmt::format("{:.0f} %", std::floor(100 * share_done(facts))));
  append(line, middle(facts));
  append(line, facts.note);
  return line;
}

Progress::Progress(std::string label, std::int64_t total, std::string unit, ProgressOutput output)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      output_(std::move(output)),
      terminal_(columns() > 0),
      start_(now()),
      next_show_(terminal_ ? start_ : start_ + output_.plain_seconds) {}

Progress::~Progress() {
  const std::lock_guard lock(mutex_);
  clear();
}

void Progress::advance(std::int64_t items) {
  done_.fetch_add(items, std::memory_order_relaxed);
  if (now() < next_show_.load(std::memory_order_relaxed)) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock && now() >= next_show_ && !finished_) show();
}

void Progress::note(std::string text) {
  const std::lock_guard lock(mutex_);
  note_ = std::move(text);
}

void Progress::say(std::string_view line) {
  const std::lock_guard lock(mutex_);
  clear();
  write(fmt::format("{}\n", line));
  next_show_ = std::min(next_show_.load(), now() + seconds_between_redraws);
}

void Progress::finish() {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  finished_ = true;
  clear();
  auto last = facts();
  std::string line(label_);
  append(line, fmt::format("{} {} in {}", last.done, last.unit, format_duration(last.seconds)));
  append(line, format_rate(last));
  append(line, note_);
  write(line + "\n");
}

double Progress::seconds() const { return now() - start_; }

double Progress::items_per_second() const {
  const double elapsed = seconds();
  return elapsed > 0 ? static_cast<double>(done()) / elapsed : 0;
}

double Progress::now() const { return output_.seconds_now ? output_.seconds_now() : steady_seconds(); }

int Progress::columns() const {
  return output_.columns >= 0 ? output_.columns : terminal_columns(output_.descriptor);
}

ProgressFacts Progress::facts() const {
  return {.label = label_,
          .unit = unit_,
          .note = note_,
          .done = done(),
          .total = total_,
          .seconds = seconds(),
          .items_per_second = items_per_second()};
}

// The mutex is held.
void Progress::show() {
  if (terminal_) {
    // The last column stays free: a terminal that wraps there would leave a line behind.
    write(fmt::format("\r{}\x1b[K", progress_bar_line(facts(), std::max(columns(), 2) - 1)));
    bar_is_shown_ = true;
    next_show_ = now() + seconds_between_redraws;
  } else {
    write(fmt::format("{}\n", progress_plain_line(facts())));
    next_show_ = now() + output_.plain_seconds;
  }
}

// The mutex is held.
void Progress::clear() {
  if (bar_is_shown_) write("\r\x1b[K");
  bar_is_shown_ = false;
}

void Progress::write(std::string_view text) const {
  while (!text.empty()) {
    const auto written = ::write(output_.descriptor, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace scatlight::io
