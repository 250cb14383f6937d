#pragma once

#include "analysis/energy.h"
#include "analysis/picture.h"

namespace scatlight::analysis {

/// A bar for each J: the shares that orders 0, 1 and 2 keep, one on the other, up to the line at 1. Their
/// mean over `images`, of which each has a row for every J. At least one image.
Picture draw_energy(const std::vector<std::vector<EnergyKept>>& images);

}  // namespace scatlight::analysis
