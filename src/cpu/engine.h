#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/engine.h"
#include "core/filter_bank.h"

namespace scatlight::cpu {

/// The targets (instruction sets, as Highway calls them) that this build carries and this processor runs,
/// slowest first.
std::vector<std::string_view> available_targets();

/// The vector engine of one of available_targets(). Unless it is to be `exactly` that one, planes whose rows
/// are too short for its vectors get narrower ones.
template <class T>
std::unique_ptr<Engine<T>> make_engine(std::string_view target, bool exactly,
                                       const ScatteringOptions& resolved, const Geometry& geometry,
                                       const FilterBank& bank);

/// About how many bytes the filters of that engine take.
template <class T>
double engine_memory(std::string_view target, bool exactly, const ScatteringOptions& resolved,
                     const Geometry& geometry);

}  // namespace scatlight::cpu
