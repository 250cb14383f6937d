#pragma once

#include <stdexcept>

#include "scatlight/export.h"

namespace scatlight {

/// Thrown for every error that a caller can cause or must handle: arguments, files, options, memory.
/// what() is one line that says what was given and what is accepted.
class SCATLIGHT_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace scatlight
