#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "cpu/costs.h"

namespace scatlight::cpu {

/// Memory that the next task of a thread will read.
using NextReads = std::span<const std::span<const std::byte>>;

/// Prefetches it into the L2 cache during the present task, a few cache lines at each step. (If all of it
/// came at once, or by the hardware prefetcher when it is read, the arithmetic would wait for it.)
class Prefetcher {
 public:
  Prefetcher() = default;
  /// Prefetches all of it in so many steps, or as much as leaves the cache to what the present task reads.
  Prefetcher(NextReads ranges, std::size_t steps) : ranges_(ranges) {
    std::size_t bytes = 0;
    for (const auto& range : ranges) bytes += range.size();
    lines_ = std::min(bytes, work_sizes.prefetched) / line;
    lines_of_step_ = (lines_ + steps - 1) / steps;
  }

  void step() {
    std::size_t count = std::min(lines_of_step_, lines_);
    lines_ -= count;
    while (count > 0) {
      while (begin_ == end_) {
        begin_ = ranges_.front().data();
        end_ = begin_ + (ranges_.front().size() + line - 1) / line * line;
        ranges_ = ranges_.subspan(1);
      }
      const std::size_t together = std::min<std::size_t>(count, (end_ - begin_) / line);
      const std::byte* at = begin_;
      for (std::size_t i = 0; i < together; ++i, at += line) __builtin_prefetch(at, 0, l2_locality);
      begin_ = at;
      count -= together;
    }
  }

 private:
  static constexpr std::size_t line = 64;
  static constexpr int l2_locality = 2;  // of __builtin_prefetch

  NextReads ranges_;
  const std::byte* begin_ = nullptr;
  const std::byte* end_ = nullptr;
  std::size_t lines_ = 0;
  std::size_t lines_of_step_ = 0;
};

}  // namespace scatlight::cpu
