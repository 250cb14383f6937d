#include "train/ridge.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cholesky_solve.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_cholesky.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>

#include "io/machine.h"
#include "nets/architecture.h"
#include "scatlight/error.h"
#include "train/infer.h"

namespace scatlight::train {
namespace {

constexpr std::int64_t columns_at_a_time = 4096;  // of features in float64

/// (N, classes) float64
at::Tensor targets_of(const at::Tensor& labels, std::int64_t classes) {
  return at::full({labels.size(0), classes}, -1.0, at::kDouble).scatter_(1, labels.unsqueeze(1), 1.0);
}

/// use(part) for parts (N, d) of the features, centred and in float64.
template <class Use>
void for_each_part(const at::Tensor& features, const at::Tensor& mean, const Use& use) {
  const auto all = features.size(1);
  for (std::int64_t first = 0; first < all; first += columns_at_a_time) {
    const auto count = std::min(columns_at_a_time, all - first);
    use(features.narrow(1, first, count).to(at::kDouble) - mean.narrow(0, first, count));
  }
}

/// (gram + penalty 1)^-1 targets; the Gram matrix is changed.
at::Tensor solve(const at::Tensor& gram, const at::Tensor& targets, double penalty) {
  gram.diagonal().add_(penalty);
  return at::cholesky_solve(targets, at::linalg_cholesky(gram));
}

/// The weights (D, classes), by the Gram matrix of the images.
at::Tensor weights_by_images(const at::Tensor& features, const at::Tensor& mean, const at::Tensor& targets,
                             double penalty) {
  auto gram = at::zeros({features.size(0), features.size(0)}, at::kDouble);
  for_each_part(features, mean, [&](const at::Tensor& part) { gram.addmm_(part, part.t()); });
  const auto shares = solve(gram, targets, penalty);
  std::vector<at::Tensor> weights;
  for_each_part(features, mean, [&](const at::Tensor& part) { weights.push_back(part.t().matmul(shares)); });
  return at::cat(weights);
}

at::Tensor weights_by_features(const at::Tensor& features, const at::Tensor& mean, const at::Tensor& targets,
                               double penalty) {
  const auto centred = features.to(at::kDouble) - mean;
  return solve(centred.t().matmul(centred), centred.t().matmul(targets), penalty);
}

class RidgePass final : public Pass {
 public:
  RidgePass(ClassifierTask& classifier, const TrainOptions& options, bool is_over)
      : classifier_(classifier),
        options_(options),
        is_over_(is_over),
        loader_(options.train_data, classifier.recipe(),
                {.batch_size = images_at_a_time,
                 .threads = options.threads,
                 .skip_bad = options.skip_bad,
                 .max_pixels = options.max_pixels}) {}

  std::optional<StepLoss> backward() override;
  std::vector<data::SkippedFile> finish() override { return loader_.skipped(); }

 private:
  static constexpr std::int64_t images_at_a_time = 64;

  ClassifierTask& classifier_;
  const TrainOptions& options_;
  bool is_over_;
  data::Loader loader_;
};

std::optional<StepLoss> RidgePass::backward() {
  if (is_over_) return std::nullopt;
  is_over_ = true;
  const at::NoGradGuard no_grad;
  auto& network = classifier_.network();
  const auto before = nets::make_architecture(network.options()).layers.size() - 1;
  network.train(false);
  at::Tensor features;
  std::vector<std::int64_t> labels;
  while (auto batch = loader_.next()) {
    const auto maps = network.maps(images_of(*batch, classifier_.recipe(), network.device()));
    const auto part = network.run(maps, 0, before).flatten(1).to(at::kCPU);
    if (!features.defined()) features = at::empty({std::ssize(options_.train_data.samples), part.size(1)});
    features.narrow(0, std::ssize(labels), batch->count).copy_(part);
    labels.insert(labels.end(), batch->labels.begin(), batch->labels.end());
    loader_.recycle(std::move(*batch));
  }
  if (labels.empty()) return std::nullopt;
  const auto count = std::ssize(labels);
  const auto layer = solve_ridge(features.narrow(0, 0, count), at::tensor(labels), network.options().classes,
                                 options_.ridge);
  for (auto& [name, parameter] : classifier_.parameters())
    parameter.mutable_grad() =
        (parameter - (parameter.dim() > 1 ? layer.weight : layer.bias).to(parameter.device())).detach();
  const auto scores = features.narrow(0, 0, count).matmul(layer.weight.t()) + layer.bias;
  const auto errors = scores - targets_of(at::tensor(labels), scores.size(1));
  return StepLoss{.batch = 0, .images = count, .loss = errors.square().mean().item<double>()};
}

}  // namespace

AffineLayer solve_ridge(const at::Tensor& features, const at::Tensor& labels, std::int64_t classes,
                        double penalty) {
  const at::NoGradGuard no_grad;
  const auto targets = targets_of(labels, classes);
  const auto target_mean = targets.mean(0);
  const auto mean = features.mean(0, /*keepdim=*/false, at::kDouble);
  const bool few_images = features.size(0) < features.size(1);
  const auto weight =
      (few_images ? weights_by_images : weights_by_features)(features, mean, targets - target_mean, penalty);
  const auto bias = target_mean - mean.matmul(weight);
  return {.weight = weight.t().contiguous().to(at::kFloat), .bias = bias.to(at::kFloat)};
}

RidgeTask::RidgeTask(ClassifierTask& classifier, const TrainOptions& options)
    : classifier_(classifier), options_(options) {
  const at::NoGradGuard no_grad;
  if (classifier.network().options().family != nets::Family::Linear || classifier.parameters().size() != 2)
    throw Error(fmt::format("ridge regression solves one linear layer; {} learns more than that",
                            classifier.network().options().name));
  for (auto& [name, parameter] : classifier.parameters()) parameter.zero_();
  const auto images = static_cast<double>(std::ssize(options.train_data.samples));
  const auto shape = classifier.network().map_shape();
  const auto values = static_cast<double>(shape[0] * shape[1] * shape[2]);
  const double smaller = std::min(images, values);
  // The features in float32, and in float64 in part or as a whole; the Gram matrix and its decomposition.
  const double bytes = 4 * images * values + 8 * images * (images < values ? columns_at_a_time : 2 * values) +
                       3 * 8 * smaller * smaller;
  if (bytes > 0.8 * static_cast<double>(io::memory_bytes()))
    throw Error(
        fmt::format("ridge regression on {} images with {} features needs {:.1f} GB of memory: give "
                    "fewer images, a smaller --size or a larger --scales",
                    images, values, bytes / 1e9));
}

std::int64_t RidgeTask::images_from(std::int64_t batch) const {
  return batch == 0 ? classifier_.training_set().samples : 0;
}

std::unique_ptr<Pass> RidgeTask::begin_pass(std::int64_t /*epoch*/, std::int64_t first_batch,
                                            GradientAverage& /*average*/) {
  return std::make_unique<RidgePass>(classifier_, options_, first_batch > 0);
}

LoopOptions steps_of_ridge(LoopOptions options) {
  options.epochs = 1;
  options.seconds = 0;
  options.schedule = {.kind = ScheduleKind::Step, .learning_rate = 1, .warmup = 0, .drops = {}};
  options.optimizer = {.momentum = 0, .weight_decay = 0};
  options.weight_average = 0;
  return options;
}

}  // namespace scatlight::train
