#include "train/classifier_task.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>

#include "data/fingerprint.h"
#include "io/display.h"
#include "nets/architecture.h"
#include "nets/weights.h"
#include "scatlight/error.h"
#include "train/diverged.h"
#include "train/infer.h"
#include "train/map_statistics.h"
#include "train/map_stream.h"
#include "train/model.h"
#include "train/run_facts.h"
#include "train/skipped_files.h"
#include "train/team_batch.h"

namespace scatlight::train {
namespace {

/// Of a member in a step, for the statistics of batch norms.
constexpr int least_images = 2;

nets::Network make_network(const TrainOptions& options, const Team& team) {
  at::manual_seed(options.seed);  // of the first weights, and of what the network draws while it trains
  nets::Network network(network_options(options));
  // A checkpoint has all that a resume needs.
  const bool begins = options.loop.mode != RunMode::Resume;
  if (begins && !options.weights.empty()) nets::load_body(network, options.weights);
  // The first weights bring theirs, and the loop shares those of the leading member.
  if (begins && options.weights.empty() && options.network.standardize && team.leads())
    find_map_statistics(network, options);
  network.freeze(0, nets::first_trained(options.frozen, nets::layer_groups(network.options())));
  network.to(options.placement);
  return network;
}

void check_team(const Team& team, const TrainOptions& options, const TrainingSet& training_set) {
  if (team.size() == 1) return;
  const auto describe = [](std::int64_t images, std::size_t classes, const std::string& fingerprint) {
    return fmt::format("{} images of {} classes (names and sizes {})", images, classes, fingerprint);
  };
  check_same_data(team, training_set.root, [&] {
    return describe(training_set.samples, training_set.classes.size(), training_set.fingerprint);
  });
  if (const auto& val = options.val_data) {
    check_same_data(team, val->root, [&] {
      return describe(std::ssize(val->samples), val->classes.size(), training_set.evaluation);
    });
  }
  const auto smallest = training_set.samples / data::part_count(training_set.samples, options.batch);
  if (smallest >= std::int64_t{least_images} * team.size()) return;
  team.lead([&] {
    throw Error(
        fmt::format("{} processes share steps of {} images: each needs at least {}, so give a larger "
                    "--batch or fewer processes",
                    team.size(), smallest, least_images));
  });
}

/// What a batch's images show, (N) each.
struct Labels {
  at::Tensor own;
  at::Tensor others;  ///< Of the images that are mixed into them.
  double share = 1;   ///< Of the own.

  Labels of(const data::Part& part) const {
    return {.own = own.narrow(0, part.first, part.count),
            .others = others.narrow(0, part.first, part.count),
            .share = share};
  }
};

/// Returns whether the maps change from step to step.
bool begin_training(nets::Network& network) {
  network.train(true);
  return network.trains_front_end();
}

class ClassifierPass final : public Pass {
 public:
  ClassifierPass(const TrainOptions& options, const data::Recipe& recipe,
                 const data::LoaderOptions& loader_options, nets::Network& network, const Team& team,
                 GradientAverage& average)
      : options_(options),
        network_(network),
        team_(team),
        average_(average),
        epoch_(loader_options.epoch),
        trains_front_end_(begin_training(network)),
        loader_(options.train_data, recipe, loader_options) {
    if (const auto& weights = options.class_weights; !weights.empty())
      class_weights_ = at::tensor(weights).to(network.device(), at::kFloat);
    stream_.emplace([this] { return loader_.next(); },
                    [this, &recipe](data::Batch& batch) {
                      const auto images =
                          mixed(images_of(batch, recipe, network_.device()), mix_of(batch.number));
                      return trains_front_end_ ? images : network_.maps(images);
                    },
                    network_.device());
  }

  std::optional<StepLoss> backward() override;

  std::vector<data::SkippedFile> finish() override {
    stream_.reset();
    return loader_.skipped();
  }

 private:
  /// What was drawn for a batch of this member.
  Mix mix_of(std::int64_t batch) const;

  /// The sum of the losses of the scores (N, classes) against the labels (N).
  at::Tensor loss(const at::Tensor& scores, const at::Tensor& labels) const;

  double backward(const at::Tensor& input, const Labels& labels, std::int64_t images);

  const TrainOptions& options_;
  nets::Network& network_;
  const Team& team_;
  GradientAverage& average_;
  const std::int64_t epoch_;
  const bool trains_front_end_;              ///< Then the stream has images, as their maps are not known yet.
  std::optional<at::Tensor> class_weights_;  ///< (classes)
  data::Loader loader_;
  std::optional<MapStream<data::Batch>> stream_;
};

Mix ClassifierPass::mix_of(std::int64_t batch) const {
  // Streams of their own: a sample's augmentation has its index in their place.
  constexpr std::uint64_t of_batches = std::uint64_t{1} << 63;
  const auto number = static_cast<std::uint64_t>(batch * team_.size() + team_.rank());
  return draw_mix(options_.mix, options_.recipe.size,
                  {options_.seed, static_cast<std::uint64_t>(epoch_), of_batches + number});
}

at::Tensor ClassifierPass::loss(const at::Tensor& scores, const at::Tensor& labels) const {
  return at::cross_entropy_loss(scores, labels, class_weights_, at::Reduction::Sum, -100,
                                options_.label_smoothing);
}

/// In parts where memory is short.
std::optional<StepLoss> ClassifierPass::backward() {
  const auto found = next_batch(*stream_, team_, options_.skip_bad);
  if (!found) return std::nullopt;
  const auto& [batch, input] = found->own;
  const auto own = at::tensor(batch.labels).to(options_.placement.device);
  const Labels labels = {.own = own, .others = own.roll(1, 0), .share = mix_of(batch.number).own};
  double loss = 0;
  average_.add(batch.count, options_.micro_batch, [&, &input = input](const data::Part& part) {
    loss += backward(input.narrow(0, part.first, part.count), labels.of(part), found->images);
  });
  return StepLoss{.batch = batch.number, .images = found->images, .loss = loss, .waited = found->waited};
}

/// What some of the step's images, which are `images` in all, add to its loss. Adds the gradient of that,
/// times the size of the team, which averages it. Weighted losses are divided by the number of images too,
/// not by the sum of their weights, which a part of the step does not know: so the parts add up to the same
/// step however it is cut.
double ClassifierPass::backward(const at::Tensor& input, const Labels& labels, std::int64_t images) {
  const auto scores = trains_front_end_ ? network_.forward(input) : network_.classify(input);
  auto sum = loss(scores, labels.own);
  if (labels.share < 1) sum = sum * labels.share + loss(scores, labels.others) * (1 - labels.share);
  const auto all = static_cast<double>(images);
  sum.mul(team_.size() / all).backward();
  return sum.item<double>() / all;
}

}  // namespace

ClassifierTask::ClassifierTask(const TrainOptions& options, const Team& team)
    : options_(options),
      team_(team),
      training_set_({.root = options.train_data.root,
                     .classes = options.train_data.classes,
                     .samples = std::ssize(options.train_data.samples),
                     .fingerprint = data::fingerprint(options.train_data),
                     .evaluation = options.val_data ? data::fingerprint(*options.val_data) : ""}),
      recipe_(options.recipe),
      network_(make_alike(team, [&] { return make_network(options, team); })) {
  check_team(team_, options_, training_set_);
  // All steps have one size or two: cuDNN may try its ways of each convolution and keep the fastest.
  if (network_.device().is_cuda()) at::globalContext().setBenchmarkCuDNN(true);
  if (!options_.val_data) return;
  const bool repeats = options_.loop.seconds > 0 || options_.loop.epochs > options_.loop.eval_every;
  const bool may_cache = repeats && !network_.trains_front_end();
  evaluator_.emplace(*options_.val_data, recipe_,
                     EvaluateOptions{.threads = options_.threads,
                                     .skip_bad = options_.skip_bad,
                                     .max_pixels = options_.max_pixels,
                                     .cache_bytes = may_cache ? options_.cache_bytes : 0},
                     team_);
}

std::int64_t ClassifierTask::batches() const {
  return data::part_count(training_set_.samples, options_.batch);
}

std::int64_t ClassifierTask::images_from(std::int64_t batch) const {
  if (batch >= batches()) return 0;
  return training_set_.samples - data::even_part(training_set_.samples, options_.batch, batch).first;
}

std::unique_ptr<Pass> ClassifierTask::begin_pass(std::int64_t epoch, std::int64_t first_batch,
                                                 GradientAverage& average) {
  const data::LoaderOptions loader = {.batch_size = options_.batch,
                                      .threads = options_.threads,
                                      .seed = options_.seed,
                                      .epoch = epoch,
                                      .augment = options_.augment,
                                      .shuffle = true,
                                      .skip_bad = options_.skip_bad,
                                      .max_pixels = options_.max_pixels,
                                      .start_batch = first_batch,
                                      .part = team_.rank(),
                                      .parts = team_.size()};
  return std::make_unique<ClassifierPass>(options_, recipe_, loader, network_, team_, average);
}

void ClassifierTask::after_step() {
  if (network_.keep_in_range()) return;
  throw Diverged(
      "training diverged: learned wavelets are no longer finite numbers; try a lower --filter-rate");
}

/// A class of which nothing is left cannot be learnt.
void ClassifierTask::check_skipped(const std::vector<data::SkippedFile>& skipped) const {
  const auto& classes = training_set_.classes;
  std::vector<std::int64_t> left(classes.size());
  std::unordered_map<std::string, std::int64_t> label_of;
  for (const auto& sample : options_.train_data.samples) {
    ++left[static_cast<std::size_t>(sample.label)];
    label_of.emplace(name_from_root(sample.name, training_set_.root), sample.label);
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
                              metrics.loss()),
          .score = metrics.top1()};
}

Json ClassifierTask::facts() const { return run_facts(options_, network_); }

std::string ClassifierTask::evaluation_json(const RunFolder& folder) const {
  return train::evaluation_json(*evaluation_, {.weights = folder.model().string(),
                                               .data = options_.val_data->root.string(),
                                               .network = network_.options().name,
                                               .classes = training_set_.classes,
                                               .held_out = options_.val_data->held_out});
}

void ClassifierTask::save_model(const std::filesystem::path& path) const {
  train::save_model(path, network_, training_set_.classes, recipe_.options());
}

}  // namespace scatlight::train
