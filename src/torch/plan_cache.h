#pragma once

#include <list>
#include <mutex>

#include "scatlight/scattering.h"

namespace scatlight::torch_ops {

/// The plans used last, so that images of a few sizes in turn are planned once each.
class PlanCache {
 public:
  explicit PlanCache(std::size_t capacity) : capacity_(capacity) {}

  /// The plan of these options; made now if it is not among those kept. Safe to call from several threads.
  Scattering get(const ScatteringOptions& options);

 private:
  struct Entry {
    ScatteringOptions options;
    Scattering plan;
  };

  std::size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last comes first
};

}  // namespace scatlight::torch_ops
