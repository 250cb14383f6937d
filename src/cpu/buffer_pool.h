#pragma once

#include <pthread.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <vector>

#include "cpu/aligned_vector.h"

namespace scatlight::cpu {

/// Guards the free buffers of every plan. fork() waits for it: in the child, a thread that holds it would be
/// gone.
inline std::mutex& free_buffers_mutex() {
  static std::mutex mutex;
  [[maybe_unused]] static const int registered =
      pthread_atfork([] { mutex.lock(); }, [] { mutex.unlock(); }, [] { mutex.unlock(); });
  return mutex;
}

/// Buffers that were used before and are free now, so that executing a plan again allocates nothing.
template <class T>
class BufferPool {
 public:
  using Loan = std::unique_ptr<AlignedVector<T>, std::function<void(AlignedVector<T>*)>>;

  /// A buffer of at least this size, which goes back when the loan ends: of those that are free the one that
  /// was used last, as caches may have it. A new one takes the place of one that is too small.
  Loan borrow(std::size_t values) {
    std::unique_ptr<AlignedVector<T>> buffer;
    {
      const std::lock_guard lock(free_buffers_mutex());
      const auto last = std::find_if(free_.rbegin(), free_.rend(),
                                     [&](const auto& free) { return free->size() >= values; });
      if (last != free_.rend()) {
        buffer = std::move(*last);
        free_.erase(std::next(last).base());
      } else if (!free_.empty()) {
        free_.pop_back();
      }
    }
    if (!buffer) buffer = std::make_unique<AlignedVector<T>>(values);
    return Loan(buffer.release(), [this](AlignedVector<T>* used) {
      const std::lock_guard lock(free_buffers_mutex());
      free_.emplace_back(used);
    });
  }

 private:
  std::vector<std::unique_ptr<AlignedVector<T>>> free_;
};

}  // namespace scatlight::cpu
