#include "detect/detector_task.h"

#include <ATen/Context.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "data/fingerprint.h"
#include "detect/model.h"
#include "detect/results.h"
#include "detect/run_facts.h"
#include "io/display.h"
#include "scatlight/error.h"
#include "train/frozen.h"
#include "train/run_record.h"
#include "train/skipped_files.h"
#include "train/threads.h"

namespace scatlight::detect {
namespace {

/// With a recipe that suits all pictures: an evaluation comes hours after the start.
data::BoxRecipe make_recipe(const DetectorTrainOptions& options) {
  const data::BoxRecipe recipe(options.recipe);
  if (options.skip_bad) return recipe;
  data::require_framings(options.train_data, recipe, /*augment=*/true);
  if (options.val_data) data::require_framings(*options.val_data, recipe, /*augment=*/false);
  return recipe;
}

Detector make_detector(const DetectorTrainOptions& options) {
  at::manual_seed(options.seed);
  Detector detector(network_options(options));
  // A checkpoint has all that a resume needs, also what is frozen.
  const bool begins = options.loop.mode != train::RunMode::Resume;
  if (begins && !options.weights.empty())
    load_first_weights(detector, options.weights, options.train_data.classes);
  detector.freeze(options.frozen);
  detector.to(options.placement);
  return detector;
}

void check_team(const train::Team& team, const DetectorTrainOptions& options,
                const train::TrainingSet& training_set) {
  if (team.size() == 1) return;
  const auto describe = [](std::int64_t pictures, const std::string& fingerprint) {
    return fmt::format("{} pictures with boxes ({})", pictures, fingerprint);
  };
  train::check_same_data(team, training_set.root,
                         [&] { return describe(training_set.samples, training_set.fingerprint); });
  if (const auto& val = options.val_data) {
    train::check_same_data(team, val->roots.front(),
                           [&] { return describe(std::ssize(val->samples), training_set.evaluation); });
  }
  if (options.batch >= team.size()) return;
  team.lead([&] {
    throw Error(
        fmt::format("{} processes share steps of {} images: give a --batch of at least {}, or fewer "
                    "processes",
                    team.size(), options.batch, team.size()));
  });
}

}  // namespace

DetectorTask::DetectorTask(const DetectorTrainOptions& options, const train::Team& team)
    : options_(options),
      team_(team),
      training_set_({.root = options.train_data.roots.front(),
                     .classes = options.train_data.classes,
                     .samples = std::ssize(options.train_data.samples),
                     .fingerprint = data::fingerprint(options.train_data),
                     .evaluation = options.val_data ? data::fingerprint(*options.val_data) : ""}),
      batch_sizes_(data::batch_sizes(options.train_data, options.batch)),
      recipe_(make_recipe(options)),
      detector_(train::make_alike(team, [&] { return make_detector(options); })),
      facts_({.options = options.detector,
              .classes = options.train_data.classes,
              .category_ids = options.train_data.category_ids,
              .recipe = recipe_.options()}) {
  check_team(team_, options_, training_set_);
}

std::int64_t DetectorTask::images_from(std::int64_t batch) const {
  return std::accumulate(batch_sizes_.begin() + std::min(batch, batches()), batch_sizes_.end(),
                         std::int64_t{0});
}

train::NamedTensors DetectorTask::parameters() const { return train::trained(detector_.parameters()); }

train::NamedTensors DetectorTask::buffers() const {
  return train::untrained(detector_.parameters(), detector_.buffers());
}

std::unique_ptr<train::Pass> DetectorTask::begin_pass(std::int64_t epoch, std::int64_t first_batch,
                                                      train::GradientAverage& average) {
  const data::LoaderOptions loader = {.batch_size = options_.batch,
                                      .threads = options_.threads,
                                      .seed = options_.seed,
                                      .epoch = epoch,
                                      .augment = true,
                                      .shuffle = true,
                                      .skip_bad = options_.skip_bad,
                                      .max_pixels = options_.max_pixels,
                                      .start_batch = first_batch,
                                      .part = team_.rank(),
                                      .parts = team_.size()};
  return std::make_unique<DetectorPass>(
      detector_, options_.detector, options_.train_data, recipe_, loader,
      PassOptions{.micro_batch = options_.micro_batch, .seed = options_.seed}, team_, average);
}

void DetectorTask::check_skipped(const std::vector<data::SkippedFile>& skipped) const {
  auto left = options_.train_data;
  std::erase_if(left.samples, [&](const auto& sample) {
    const auto name = train::name_from_root(sample.file.native(), training_set_.root);
    return std::ranges::find(skipped, name, &data::SkippedFile::file) != skipped.end();
  });
  data::require_objects(left);
}

std::int64_t DetectorTask::evaluation_images() const {
  return options_.val_data ? std::ssize(options_.val_data->samples) : 0;
}

train::EvaluationLine DetectorTask::evaluate(const train::OnImages& on_images) {
  evaluation_ = detect::evaluate(
      detector_, facts_, *options_.val_data,
      {.threads = options_.threads, .skip_bad = options_.skip_bad, .max_pixels = options_.max_pixels},
      on_images, team_);
  const auto& numbers = evaluation_->coco.numbers;
  return {.numbers = {{"images", evaluation_->images.size()},
                      {"ap", numbers[0]},
                      {"ap50", numbers[1]},
                      {"ap75", numbers[2]},
                      {"map07", evaluation_->voc.map07}},
          .note = fmt::format("AP50 {:.3f}  AP {:.3f}", numbers[1], numbers[0]),
          .score = numbers[0]};
}

train::Json DetectorTask::facts() const { return run_facts(options_, detector_); }

std::string DetectorTask::evaluation_json(const train::RunFolder& folder) const {
  return detect::evaluation_json(
      *evaluation_, *options_.val_data,
      {.weights = folder.model().string(), .network = detector_.options().network.name});
}

void DetectorTask::save_model(const std::filesystem::path& path) const {
  save_detector(path, detector_, facts_);
}

DetectorTrainResult train_detector(const DetectorTrainOptions& given, const std::function<bool()>& stop,
                                   const train::Team& team) {
  auto options = given;
  check(options);
  if (options.micro_batch == 0) options.micro_batch = options.batch;
  options.threads = train::use_threads(options.threads);
  train::RunRecord record({options.loop.run}, options.loop.mode, team);
  DetectorTask task(options, team);
  auto result = train::run_training(record, options.loop, task, stop, team);
  const bool finished = result.finished;
  return {.loop = std::move(result), .evaluation = finished ? task.evaluation() : std::nullopt};
}

}  // namespace scatlight::detect
