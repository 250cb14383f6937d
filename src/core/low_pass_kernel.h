#pragma once

#include <vector>

#include "core/filter_bank.h"

namespace scatlight {

/// phi_J along one axis at one level in space: the weights of the samples at distances -radius, -radius + 1
/// ... of an output sample. It is cut where what is left has less than 16 epsilon of its weight, which goes
/// to the weights that stay, so that a constant is kept; where that is nowhere, it covers the axis once.
/// (Levels above 0 have phi's spectrum cut at their Nyquist frequency, as kymatio does, and so a small tail
/// that alternates and hardly decays.)
struct LowPassKernel {
  LowPassKernel(const FilterBank& bank, const Axis& axis, int level, double epsilon);

  std::vector<double> weights;  ///< at most one for each sample of the axis
  int radius;
};

}  // namespace scatlight
