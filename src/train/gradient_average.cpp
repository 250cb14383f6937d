#include "train/gradient_average.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <string>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <unordered_map>
#include <utility>

#include "train/team_group.h"

namespace scatlight::train {
namespace {

std::unique_ptr<c10d::Reducer> make_reducer(const c10::intrusive_ptr<c10d::ProcessGroup>& processes,
                                            const std::vector<at::Tensor>& parameters,
                                            const NamedTensors& named) {
  c10d::verify_params_across_processes(processes, parameters, {});
  const std::vector<bool> sparse(parameters.size(), false);
  auto buckets = std::get<0>(c10d::compute_bucket_assignment_by_size(
      parameters, {c10d::kDefaultFirstBucketBytes, c10d::kDefaultBucketBytesCap}, sparse));
  std::ranges::reverse(buckets);  // a backward pass reaches the last parameters first
  std::unordered_map<std::size_t, std::string> names;
  for (std::size_t i = 0; i < named.size(); ++i) names.emplace(i, named[i].first);
  return std::make_unique<c10d::Reducer>(
      parameters, std::move(buckets), processes, sparse, c10d::kDefaultBucketBytesCap,
      /*find_unused_parameters=*/false, /*gradient_as_bucket_view=*/false, std::move(names),
      c10d::kDefaultFirstBucketBytes, /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false,
      std::vector<std::int64_t>{});
}

}  // namespace

GradientAverage::GradientAverage() = default;

GradientAverage::GradientAverage(const Team& team, const NamedTensors& parameters) : team_(team) {
  if (team.group() == nullptr) return;
  for (const auto& [name, tensor] : parameters) parameters_.push_back(tensor);
  team.communicate([&] {
    reducer_ = make_reducer(team.group()->processes, parameters_, parameters);
    // The reducer orders its buckets anew after its first pass. Sums over three members and more round by the
    // place in a bucket; so that pass comes here, and the first step of a resumed training is as any other.
    reducer_->prepare_for_backward({});
    add_nothing();
    reducer_->rebuild_buckets();
  });
  for (auto& parameter : parameters_) parameter.mutable_grad().reset();
}

GradientAverage::~GradientAverage() = default;

void GradientAverage::add(std::int64_t images, std::int64_t micro_batch,
                          const std::function<void(data::Part)>& backward) {
  const auto parts = data::part_count(images, micro_batch);
  for (std::int64_t i = 0; i + 1 < parts; ++i) backward(data::even_part(images, micro_batch, i));
  // The last pass averages all that was added.
  team_.communicate([&] {
    if (reducer_) reducer_->prepare_for_backward({});
    if (parts > 0) {
      backward(data::even_part(images, micro_batch, parts - 1));
    } else {
      add_nothing();
    }
  });
}

void GradientAverage::add_nothing() {
  if (parameters_.empty()) return;
  auto nothing = at::zeros({}, parameters_.front().options());
  for (const auto& parameter : parameters_) nothing = nothing + parameter.flatten()[0] * 0;
  nothing.backward();
}

}  // namespace scatlight::train
