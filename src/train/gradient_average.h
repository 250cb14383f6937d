#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "data/loader_options.h"
#include "train/team.h"

namespace c10d {
class Reducer;
}

namespace scatlight::train {

/// Makes the gradients of a team's members their mean while they are computed: by the Reducer of
/// torch.distributed, of which DistributedDataParallel is made. A single process keeps its gradients.
class GradientAverage {
 public:
  /// For a single process.
  GradientAverage();

  /// The parameters, which every member has in the same order and shapes, take gradients. Collective.
  GradientAverage(const Team& team, const NamedTensors& parameters);
  ~GradientAverage();
  GradientAverage(const GradientAverage&) = delete;
  GradientAverage& operator=(const GradientAverage&) = delete;

  /// Calls backward(part) for this member's images in parts of at most `micro_batch`; it adds to the
  /// gradients of all parameters. In the end the gradients are the mean, over the members, of what was added.
  /// A member may have no image. Collective.
  void add(std::int64_t images, std::int64_t micro_batch, const std::function<void(data::Part)>& backward);

 private:
  void add_nothing();

  Team team_;
  std::vector<at::Tensor> parameters_;
  std::unique_ptr<c10d::Reducer> reducer_;  ///< Of a team.
};

}  // namespace scatlight::train
