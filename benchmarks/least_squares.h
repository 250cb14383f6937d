#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace scatlight {

/// x for which sum_i (rows[i] . x - values[i])^2 + ridge * |x|^2 is least. What the rows do not determine is
/// small.
///   rows: (n, m), values: (n), result: (m)
inline std::vector<double> least_squares(std::span<const std::vector<double>> rows,
                                         std::span<const double> values, double ridge) {
  const std::size_t m = rows.front().size();
  std::vector<std::vector<double>> system(m, std::vector<double>(m + 1));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t a = 0; a < m; ++a) {
      for (std::size_t b = 0; b < m; ++b) system[a][b] += rows[i][a] * rows[i][b];
      system[a][m] += rows[i][a] * values[i];
    }
  }
  for (std::size_t a = 0; a < m; ++a) system[a][a] += ridge;
  // Gauss-Jordan: the matrix is positive definite, so no pivot is zero.
  for (std::size_t pivot = 0; pivot < m; ++pivot) {
    for (std::size_t row = 0; row < m; ++row) {
      if (row == pivot) continue;
      const double factor = system[row][pivot] / system[pivot][pivot];
      for (std::size_t column = pivot; column <= m; ++column)
        system[row][column] -= factor * system[pivot][column];
    }
  }
  std::vector<double> result(m);
  for (std::size_t a = 0; a < m; ++a) result[a] = system[a][m] / system[a][a];
  return result;
}

/// The root of the mean square of rows[i] . x - values[i].
inline double residual(std::span<const std::vector<double>> rows, std::span<const double> values,
                       std::span<const double> x) {
  double sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    double difference = -values[i];
    for (std::size_t a = 0; a < x.size(); ++a) difference += rows[i][a] * x[a];
    sum += difference * difference;
  }
  return std::sqrt(sum / static_cast<double>(rows.size()));
}

}  // namespace scatlight
