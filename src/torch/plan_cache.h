#pragma once

#include <algorithm>
#include <iterator>
#include <list>
#include <mutex>
#include <tuple>

#include "core/option_list.h"

namespace scatlight::torch_ops {

/// The plans used last, so that images of a few sizes in turn are planned once each. A Plan is copied cheaply
/// and made from Plan(options, more...): `more` says where it runs. Options may not have a parallel_for.
template <class Plan, class... More>
class PlanCache {
 public:
  explicit PlanCache(std::size_t capacity) : capacity_(capacity) {}

  /// The plan of these options; made now if it is not among those kept. Safe to call from several threads.
  Plan get(const ScatteringOptions& options, const More&... more) {
    const auto find = [&] {
      return std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return same_options(entry.options, options) && entry.more == std::tie(more...);
      });
    };
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = find(); found != entries_.end()) {
        entries_.splice(entries_.begin(), entries_, found);
        return found->plan;
      }
    }
    Plan plan(options, more...);  // takes long, so others may use the cache meanwhile
    std::list<Entry> dropped;     // is destroyed outside the lock: a plan on a GPU waits for its work
    const std::lock_guard lock(mutex_);
    if (find() == entries_.end()) {
      entries_.push_front({options, {more...}, plan});
      if (entries_.size() > capacity_) dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
    }
    return plan;
  }

 private:
  struct Entry {
    ScatteringOptions options;
    std::tuple<More...> more;
    Plan plan;
  };

  std::size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last comes first
};

}  // namespace scatlight::torch_ops
