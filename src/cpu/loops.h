#pragma once

#include <cstdint>
#include <functional>

#include "core/parallel_for.h"

namespace scatlight::cpu {

/// Runs the body over its indices. (By reference: std::function would copy what it captures to the heap.)
template <class Body>
void loop(const ParallelFor& run, std::int64_t count, const Body& body) {
  run(count, std::cref(body));
}

/// Runs it on this thread.
inline void serially(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  parallel_for(1, count, body);
}

}  // namespace scatlight::cpu
