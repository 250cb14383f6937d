#pragma once

#include <fmt/core.h>

#include <new>
#include <string_view>

#include "scatlight/error.h"
#include "scatlight/options.h"

namespace scatlight {

inline constexpr std::string_view to_plan = "plan the transform of";

/// What the body returns. If memory runs out, throws Error: there is not enough to do `what`, with planes of
/// the options' size.
template <class Body>
auto translate_bad_alloc(std::string_view what, const ScatteringOptions& options, const Body& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    throw Error(fmt::format("not enough memory to {} {} x {}", what, options.height, options.width));
  }
}

}  // namespace scatlight
