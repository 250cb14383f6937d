#pragma once

#include <memory>

#include "core/engine.h"
#include "core/filter_bank.h"

namespace scatlight {

/// The transform written down step by step in float64: the engine that all others are compared with. It keeps
/// every filter of every level, so it is for tests and small studies.
template <class T>
std::unique_ptr<Engine<T>> make_reference_engine(const ScatteringOptions& resolved, const Geometry& geometry,
                                                 const FilterBank& bank);

/// The bytes that its filters take.
double reference_engine_memory(const ScatteringOptions& resolved, const Geometry& geometry);

}  // namespace scatlight
