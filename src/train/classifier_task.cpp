#include "train/classifier_task.h"

#include <ATen/Context.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "data/fingerprint.h"
#include "io/display.h"
#include "nets/weights.h"
#include "scatlight/error.h"
#include "train/infer.h"
#include "train/map_stream.h"
#include "train/model.h"
#include "train/run_facts.h"

namespace scatlight::train {
namespace {

nets::Network make_network(const TrainOptions& options) {
  at::manual_seed(options.seed);  // of the first weights, and of what the network draws while it trains
  nets::Network network(network_options(options));
  if (!options.weights.empty()) nets::load_body(network, options.weights);
  network.to(options.device);
  return network;
}

class ClassifierPass final : public Pass {
 public:
  ClassifierPass(const TrainOptions& options, const data::Recipe& recipe,
                 const data::LoaderOptions& loader_options, nets::Network& network)
      : options_(options), network_(network), loader_(options.train_data, recipe, loader_options) {
    network_.train(true);
    stream_.emplace([this] { return loader_.next(); },
                    [this](data::Batch& batch) { return network_.maps(images_of(batch)); },
                    network_.device());
  }

  std::optional<StepLoss> backward() override;

  std::vector<data::SkippedFile> finish() override {
    stream_.reset();
    return loader_.skipped();
  }

 private:
  double backward(const at::Tensor& maps, const at::Tensor& labels, double share);

  const TrainOptions& options_;
  nets::Network& network_;
  data::Loader loader_;
  std::optional<MapStream<data::Batch>> stream_;
};

/// In parts where memory is short.
std::optional<StepLoss> ClassifierPass::backward() {
  const auto mapped = stream_->next();
  if (!mapped) return std::nullopt;
  const auto& batch = mapped->batch;
  const auto labels = at::tensor(batch.labels).to(options_.device);
  double loss = 0;
  for (std::int64_t i = 0; i < data::part_count(batch.count, options_.micro_batch); ++i) {
    const auto [first, count] = data::even_part(batch.count, options_.micro_batch, i);
    const auto share = static_cast<double>(count) / static_cast<double>(batch.count);
    loss += share * backward(mapped->maps.narrow(0, first, count), labels.narrow(0, first, count), share);
  }
  return StepLoss{.batch = batch.number, .images = batch.count, .loss = loss};
}

/// Adds the gradient of share * (mean loss) and returns the mean loss.
double ClassifierPass::backward(const at::Tensor& maps, const at::Tensor& labels, double share) {
  const auto scores = network_.classify(maps);
  const auto loss =
      at::cross_entropy_loss(scores, labels, {}, at::Reduction::Mean, -100, options_.label_smoothing);
  loss.mul(share).backward();
  return loss.item<double>();
}

}  // namespace

ClassifierTask::ClassifierTask(const TrainOptions& options)
    : options_(options),
      training_set_({.root = options.train_data.root,
                     .classes = options.train_data.classes,
                     .samples = std::ssize(options.train_data.samples),
                     .fingerprint = data::fingerprint(options.train_data)}),
      recipe_(options.recipe),
      network_(make_network(options)) {
  if (!options_.val_data) return;
  const bool repeats = options_.loop.seconds > 0 || options_.loop.epochs > options_.loop.eval_every;
  evaluator_.emplace(*options_.val_data, recipe_,
                     EvaluateOptions{.threads = options_.threads,
                                     .skip_bad = options_.skip_bad,
                                     .max_pixels = options_.max_pixels,
                                     .cache_bytes = repeats ? options_.cache_bytes : 0});
}

std::int64_t ClassifierTask::batches() const {
  return data::part_count(training_set_.samples, options_.batch);
}

std::int64_t ClassifierTask::images_from(std::int64_t batch) const {
  if (batch >= batches()) return 0;
  return training_set_.samples - data::even_part(training_set_.samples, options_.batch, batch).first;
}

std::unique_ptr<Pass> ClassifierTask::begin_pass(std::int64_t epoch, std::int64_t first_batch) {
  const data::LoaderOptions loader = {.batch_size = options_.batch,
                                      .threads = options_.threads,
                                      .seed = options_.seed,
                                      .epoch = epoch,
                                      .augment = options_.augment,
                                      .shuffle = true,
                                      .skip_bad = options_.skip_bad,
                                      .max_pixels = options_.max_pixels,
                                      .start_batch = first_batch};
  return std::make_unique<ClassifierPass>(options_, recipe_, loader, network_);
}

/// A class of which nothing is left cannot be learnt.
void ClassifierTask::check_skipped(const std::vector<data::SkippedFile>& skipped) const {
  const auto& classes = training_set_.classes;
  std::vector<std::int64_t> left(classes.size());
  std::unordered_map<std::string_view, std::int64_t> label_of;
  for (const auto& sample : options_.train_data.samples) {
    ++left[static_cast<std::size_t>(sample.label)];
    label_of.emplace(sample.name, sample.label);
  }
  for (const auto& one : skipped) --left[static_cast<std::size_t>(label_of.at(one.file))];
  const auto empty = std::ranges::find(left, 0) - left.begin();
  if (empty == std::ssize(left)) return;
  const auto first =
      std::ranges::find(skipped, empty, [&](const auto& one) { return label_of.at(one.file); });
  throw Error(fmt::format("no image of the class '{}' could be read; the first: {}",
                          io::display(classes[static_cast<std::size_t>(empty)]), first->reason));
}

std::int64_t ClassifierTask::evaluation_images() const {
  return options_.val_data ? std::ssize(options_.val_data->samples) : 0;
}

EvaluationLine ClassifierTask::evaluate(const OnImages& on_images) {
  evaluation_ = evaluator_->evaluate(network_, on_images);
  const auto& metrics = evaluation_->metrics;
  return {.numbers = {{"images", metrics.images()},
                      {"loss", metrics.loss()},
                      {"top1", metrics.top1()},
                      {"top5", metrics.top5()}},
          .note = fmt::format("top-1 {:.2f} %  top-5 {:.2f} %  loss {:.3f}", metrics.top1(), metrics.top5(),
                              metrics.loss())};
}

std::string ClassifierTask::facts_json() const { return run_facts_json(options_, network_); }

std::string ClassifierTask::evaluation_json(const RunFolder& folder) const {
  return train::evaluation_json(*evaluation_, {.weights = folder.model().string(),
                                               .data = options_.val_data->root.string(),
                                               .network = network_.options().name,
                                               .classes = training_set_.classes});
}

void ClassifierTask::save_model(const std::filesystem::path& path) const {
  train::save_model(path, network_, training_set_.classes, recipe_.options());
}

}  // namespace scatlight::train
