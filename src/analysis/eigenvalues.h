#pragma once

#include <vector>

namespace scatlight::analysis {

/// The eigenvalues of a real symmetric matrix (size, size), row-major, largest first, by Jacobi's rotations:
/// plain, and accurate for the small matrices here.
std::vector<double> symmetric_eigenvalues(std::vector<double> matrix, int size);

}  // namespace scatlight::analysis
