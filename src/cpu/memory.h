#pragma once

#include "core/geometry.h"
#include "cpu/packing.h"

namespace scatlight::cpu {

/// About how many bytes the filters of Tables<T> take, without making them: within 15 % where they are large.
template <class T>
double filter_memory(const ScatteringOptions& resolved, const Geometry& geometry, Packing packing);

}  // namespace scatlight::cpu
