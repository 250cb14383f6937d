#pragma once

#include <functional>
#include <span>
#include <vector>

namespace scatlight::analysis {

/// A function to be minimised: its value at `point`, and there its gradient.
using Objective = std::function<double(std::span<const float> point, std::span<float> gradient)>;

/// A symmetric positive map that resembles the inverse of the second derivative, in place.
using Preconditioner = std::function<void(std::span<float> vector)>;

/// Limited-memory BFGS with a preconditioner (Nocedal and Wright, Numerical Optimization, section 7.2). The
/// first trial step has length 1 and mostly suffices, so that a step costs one evaluation. As the
/// preconditioner is linear, its images of the differences of gradients are kept, and a step applies it once.
class Lbfgs {
 public:
  /// For points of `size` values. Allocates all memory.
  Lbfgs(std::size_t size, Objective objective, Preconditioner preconditioner);

  std::span<float> point() { return point_; }

  /// Forgets what was learnt, as after a change of the functions, and continues from point() for at most this
  /// many evaluations; it ends earlier when single precision cannot improve the value.
  void run(int evaluations);

 private:
  static constexpr int memory = 5;

  struct Pair {
    std::vector<float> step;      // of the point
    std::vector<float> change;    // of the gradient
    std::vector<float> smoothed;  // change, preconditioned
    double step_by_change = 0;
  };

  void find_direction();
  void remember();

  Objective objective_;
  Preconditioner preconditioner_;
  std::vector<float> point_;
  std::vector<float> gradient_;
  std::vector<float> smoothed_;  // the gradient, preconditioned
  std::vector<float> direction_;
  std::vector<float> next_point_;
  std::vector<float> next_gradient_;
  std::vector<float> next_smoothed_;
  std::vector<Pair> pairs_;  // a ring
  int used_ = 0;             // pairs, of which the newest is pairs_[newest_]
  int newest_ = 0;
  double scale_ = 1;  // of the preconditioner
};

}  // namespace scatlight::analysis
