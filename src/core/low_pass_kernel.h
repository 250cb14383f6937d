#pragma once

#include <vector>

#include "core/filter_bank.h"

namespace scatlight {

/// phi_J along one axis at one level in space: the weights of the samples at distances -radius, -radius + 1
/// ... of an output sample. It is cut where what is left is a negligible share of its weight, which goes to
/// the weights that stay, so that a constant is kept; where that is nowhere, it covers the axis once.
///
/// At level 0 less than half an epsilon is negligible, what rounding loses: the samples of an image may have
/// both signs, so that its average is much smaller than they are, and what is cut is not. Above it, less than
/// 16 epsilon: there are moduli only, which are not negative. (And phi's spectrum is cut at the Nyquist
/// frequency there, as kymatio does, which leaves a small tail that alternates and hardly decays.)
struct LowPassKernel {
  LowPassKernel(const FilterBank& bank, const Axis& axis, int level, double epsilon);

  std::vector<double> weights;  ///< at most one for each sample of the axis
  int radius;
};

}  // namespace scatlight
