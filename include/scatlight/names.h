#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "scatlight/export.h"

namespace scatlight {

/// The names of an enum's values, as flags, files and Python spell them. Each enum that has names specialises
/// it:
///   what: what the enum is, in one word
///   all:  the names, in the order of the values
template <class Enum>
struct Names;

/// The place of a text among the names. Throws Error that lists the names if it is none of them.
SCATLIGHT_API std::size_t index_of_name(std::string_view what, std::span<const std::string_view> names,
                                        std::string_view text);

/// "reflect" of Boundary::Reflect.
template <class Enum>
constexpr std::string_view name_of(Enum value) {
  return Names<Enum>::all[static_cast<std::size_t>(value)];
}

/// Boundary::Reflect of "reflect". Throws Error for a text that names no value.
template <class Enum>
Enum from_name(std::string_view text) {
  return static_cast<Enum>(index_of_name(Names<Enum>::what, Names<Enum>::all, text));
}

}  // namespace scatlight
