#include "torch/plan_cache.h"

#include <algorithm>
#include <tuple>

namespace scatlight::torch_ops {
namespace {

// Everything but parallel_for, which cannot be compared and is not used here.
auto key_of(const ScatteringOptions& o) {
  return std::tie(o.height, o.width, o.scales, o.angles, o.max_order, o.stride, o.wavelet, o.boundary,
                  o.normalization, o.sigma, o.center_frequency, o.slant, o.threads);
}

}  // namespace

Scattering PlanCache::get(const ScatteringOptions& options) {
  const auto find = [&] {
    return std::find_if(entries_.begin(), entries_.end(),
                        [&](const Entry& entry) { return key_of(entry.options) == key_of(options); });
  };
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = find(); found != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, found);
      return found->plan;
    }
  }
  Scattering plan(options);  // takes long, so others may use the cache meanwhile
  const std::lock_guard lock(mutex_);
  if (find() == entries_.end()) {
    entries_.push_front({options, plan});
    if (entries_.size() > capacity_) entries_.pop_back();
  }
  return plan;
}

}  // namespace scatlight::torch_ops
