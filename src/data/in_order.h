#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "core/parallel_for.h"

namespace scatlight::data {

/// Makes results on many threads and takes them in order.
///
///   threads:  produce(0)  produce(1)  produce(2) ...     at the same time
///   then:     consume(0, r0)  consume(1, r1) ...         one at a time, in order, on any of the threads
///
/// At most `window` results are being made or wait, so memory stays bounded however slow one of them is. The
/// first exception of either function stops the work and is rethrown here. Result must be movable.
template <class Produce, class Consume>
void in_order(std::int64_t count, int threads, std::int64_t window, const Produce& produce,
              const Consume& consume) {
  using Result = decltype(produce(std::int64_t{0}));
  std::mutex mutex;
  std::condition_variable consumed_more;
  std::map<std::int64_t, Result> waiting;
  std::int64_t consumed = 0;
  bool failed = false;

  const auto consume_ready = [&] {
    for (auto first = waiting.begin(); first != waiting.end() && first->first == consumed;
         first = waiting.begin()) {
      auto node = waiting.extract(first);
      consume(node.key(), std::move(node.mapped()));
      ++consumed;
    }
    consumed_more.notify_all();
  };

  parallel_for(threads, count, [&](std::int64_t index) {
    {
      std::unique_lock lock(mutex);
      consumed_more.wait(lock, [&] { return failed || index < consumed + window; });
      if (failed) return;
    }
    try {
      auto result = produce(index);
      const std::lock_guard lock(mutex);
      if (failed) return;
      waiting.emplace(index, std::move(result));
      consume_ready();
    } catch (...) {
      const std::lock_guard lock(mutex);
      failed = true;
      consumed_more.notify_all();
      throw;
    }
  });
}

}  // namespace scatlight::data
