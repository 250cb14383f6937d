#pragma once

#include "scatlight/error.h"

namespace scatlight::train {

/// What a pass throws where its own numbers are no longer finite. The loop adds what is left of the training.
class Diverged : public Error {
 public:
  using Error::Error;
};

}  // namespace scatlight::train
