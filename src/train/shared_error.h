#pragma once

#include "scatlight/error.h"

namespace scatlight::train {

/// An Error that all members of a team throw with the same text, so that one of them prints it.
class SharedError : public Error {
 public:
  using Error::Error;
};

}  // namespace scatlight::train
