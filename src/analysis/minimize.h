#pragma once

#include <functional>
#include <vector>

namespace scatlight::analysis {

struct Minimum {
  std::vector<double> at;
  double value = 0;
  int evaluations = 0;
};

/// Nelder and Mead's downhill simplex (The Computer Journal 7, 1965): a minimum near `start` of a function
/// that has no derivatives, such as one with a maximum in it. `step` is the size of the first simplex along
/// each axis; the search ends when the simplex is `tolerance` wide or after `evaluations` calls. Infinite
/// values stand for places outside the domain.
Minimum minimize(const std::function<double(const std::vector<double>&)>& function,
                 const std::vector<double>& start, double step, double tolerance, int evaluations);

}  // namespace scatlight::analysis
