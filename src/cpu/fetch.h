#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace scatlight::cpu {

/// Memory that the work after the present one reads.
using Upcoming = std::span<const std::span<const std::byte>>;

/// Brings it into the second cache during the present work, a few lines at each step. (All at once, or by the
/// processor's own prefetching when it is read, the arithmetic would wait for it.)
class Fetch {
 public:
  Fetch() = default;
  /// In so many steps: all of it, or as much as leaves room for what the present work has in the cache.
  Fetch(Upcoming pieces, std::size_t steps) : pieces_(pieces) {
    std::size_t bytes = 0;
    for (const auto& piece : pieces) bytes += piece.size();
    lines_ = std::min(bytes, most_bytes) / line;
    lines_of_step_ = (lines_ + steps - 1) / steps;
  }

  void step() {
    std::size_t count = std::min(lines_of_step_, lines_);
    lines_ -= count;
    while (count > 0) {
      while (begin_ == end_) {
        begin_ = pieces_.front().data();
        end_ = begin_ + (pieces_.front().size() + line - 1) / line * line;
        pieces_ = pieces_.subspan(1);
      }
      const std::size_t together = std::min<std::size_t>(count, (end_ - begin_) / line);
      const std::byte* at = begin_;
      for (std::size_t i = 0; i < together; ++i, at += line) __builtin_prefetch(at, 0, second_cache);
      begin_ = at;
      count -= together;
    }
  }

 private:
  static constexpr std::size_t line = 64;
  static constexpr std::size_t most_bytes = 384 << 10;
  static constexpr int second_cache = 2;  // a locality, as compilers know them

  Upcoming pieces_;
  const std::byte* begin_ = nullptr;
  const std::byte* end_ = nullptr;
  std::size_t lines_ = 0;
  std::size_t lines_of_step_ = 0;
};

}  // namespace scatlight::cpu
