#include "analysis/eigenvalues.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace scatlight::analysis {
namespace {

/// Makes m[p][q] zero by a rotation in the plane of p and q.
void rotate(std::vector<double>& m, int size, int p, int q) {
  const auto at = [&](int row, int column) -> double& {
    return m[static_cast<std::size_t>(row) * size + column];
  };
  const double off = at(p, q);
  // tan(2 phi) = 2 m_pq / (m_qq - m_pp); the smaller root of the two tangents keeps the others in place.
  const double cotangent = (at(q, q) - at(p, p)) / (2 * off);
  const double tangent = (cotangent < 0 ? -1 : 1) / (std::abs(cotangent) + std::hypot(1, cotangent));
  const double cosine = 1 / std::hypot(1, tangent);
  const double sine = tangent * cosine;
  at(p, p) -= tangent * off;
  at(q, q) += tangent * off;
  at(p, q) = at(q, p) = 0;
  for (int k = 0; k < size; ++k) {
    if (k == p || k == q) continue;
    const double along_p = at(k, p);
    const double along_q = at(k, q);
    at(k, p) = at(p, k) = cosine * along_p - sine * along_q;
    at(k, q) = at(q, k) = sine * along_p + cosine * along_q;
  }
}

}  // namespace

std::vector<double> symmetric_eigenvalues(std::vector<double> matrix, int size) {
  double scale = 0;
  for (const double value : matrix) scale = std::max(scale, std::abs(value));
  const double negligible = 1e-17 * scale;
  // Sweeps converge quadratically: some ten are enough for any matrix.
  for (int sweep = 0; sweep < 30; ++sweep) {
    bool diagonal = true;
    for (int p = 0; p < size; ++p) {
      for (int q = p + 1; q < size; ++q) {
        if (std::abs(matrix[static_cast<std::size_t>(p) * size + q]) <= negligible) continue;
        diagonal = false;
        rotate(matrix, size, p, q);
      }
    }
    if (diagonal) break;
  }
  std::vector<double> eigenvalues(size);
  for (int i = 0; i < size; ++i) eigenvalues[i] = matrix[static_cast<std::size_t>(i) * size + i];
  std::ranges::sort(eigenvalues, std::greater{});
  return eigenvalues;
}

}  // namespace scatlight::analysis
