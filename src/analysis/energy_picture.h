#pragma once

#include "analysis/energy.h"
#include "analysis/picture.h"

namespace scatlight::analysis {

/// A stacked bar for each J: the shares that orders 0, 1 and 2 keep, up to the line at 1, as means over
/// `images`, each of which has a row for every J. There must be at least one image.
Picture draw_energy(const std::vector<std::vector<EnergyKept>>& images);

}  // namespace scatlight::analysis
