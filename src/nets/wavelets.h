#pragma once

namespace scatlight::nets {

/// The parameter with the wavelets that a network learns: (J, L, 4), or (3, J, L, 4) with a set for each
/// colour, as torch/wavelets.h has them.
constexpr const char* wavelets_name = "scattering.wavelets";

}  // namespace scatlight::nets
