#include "train/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "io/display.h"
#include "io/machine.h"
#include "scatlight/error.h"
#include "train/infer.h"
#include "train/json.h"
#include "train/skipped_files.h"

namespace scatlight::train {
namespace {

std::int64_t bytes_of_maps(const at::Tensor& maps) {
  return maps.defined() ? static_cast<std::int64_t>(maps.nbytes()) : 0;
}

Json confusion_json(const Metrics& metrics) {
  Json rows = Json::array();
  const auto& counts = metrics.confusion();
  for (auto row = counts.begin(); row != counts.end(); row += metrics.classes())
    rows.push_back(std::vector<std::int64_t>(row, row + metrics.classes()));
  return rows;
}

Json per_class_json(const Metrics& metrics, const std::vector<std::string>& classes) {
  Json list = Json::array();
  for (std::int64_t label = 0; label < metrics.classes(); ++label) {
    list.push_back({{"class", classes[static_cast<std::size_t>(label)]},
                    {"images", metrics.class_images(label)},
                    {"correct", metrics.class_correct(label)},
                    {"top1", metrics.class_top1(label)}});
  }
  return list;
}

}  // namespace

Evaluator::Evaluator(const data::ImageFolder& folder, const data::Recipe& recipe,
                     const EvaluateOptions& options, const Team& team)
    : folder_(folder), recipe_(recipe), options_(options), team_(team) {}

data::LoaderOptions Evaluator::loader_options() const {
  return {.batch_size = std::min(options_.batch * team_.size(), data::largest_batch_size),
          .threads = options_.threads,
          .skip_bad = options_.skip_bad,
          .max_pixels = options_.max_pixels,
          .start_batch = first_uncached_,
          .part = team_.rank(),
          .parts = team_.size()};
}

bool Evaluator::has_room_for(const at::Tensor& maps) const {
  return cached_bytes_ + bytes_of_maps(maps) <= options_.cache_bytes;
}

Evaluation Evaluator::evaluate(nets::Network& network, const OnImages& on_images) {
  const auto start = std::chrono::steady_clock::now();
  Evaluation evaluation{.metrics = Metrics(network.options().classes)};
  network.train(false);
  const auto score = [&](const Cached& batch) {
    if (!batch.labels.empty())
      evaluation.metrics.add(numbers_of(scores_of(network, batch.maps)), batch.labels);
    on_images(team_.size() == 1 ? std::ssize(batch.labels) : batch.planned);
  };

  for (const auto& batch : cache_) score(batch);
  evaluation.cached_images = evaluation.metrics.images();
  data::Loader loader(folder_, recipe_, loader_options());
  bool may_cache = true;  // the cached batches are the first ones, without a gap
  const auto skipped_before = cached_skipped_;
  while (auto batch = loader.next()) {
    Cached scored = {.maps = {}, .labels = batch->labels, .planned = batch->planned};
    if (batch->count > 0) scored.maps = network.maps(images_of(*batch, recipe_, network.device()));
    score(scored);
    may_cache = may_cache && has_room_for(scored.maps);
    if (may_cache) {
      cached_bytes_ += bytes_of_maps(scored.maps);
      if (batch->count > 0) scored.maps = scored.maps.to(at::kCPU);
      cache_.push_back(std::move(scored));
      first_uncached_ = batch->number + 1;
      cached_skipped_ = skipped_before;
      cached_skipped_.insert(cached_skipped_.end(), loader.skipped().begin(), loader.skipped().end());
    }
    loader.recycle(std::move(*batch));
  }
  evaluation.skipped = skipped_before;
  evaluation.skipped.insert(evaluation.skipped.end(), loader.skipped().begin(), loader.skipped().end());
  evaluation.skipped = skipped_of_team(evaluation.skipped, team_);
  evaluation.metrics.add_up(team_);
  team_.sum(std::span(&evaluation.cached_images, 1));
  if (evaluation.metrics.images() == 0) {
    team_.lead([&] {
      throw Error(fmt::format("no image of {} could be read: the first is {}", io::display_path(folder_.root),
                              evaluation.skipped.front().reason));
    });
  }
  evaluation.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return evaluation;
}

std::string evaluation_json(const Evaluation& evaluation, const EvaluationFacts& facts) {
  const auto& metrics = evaluation.metrics;
  Json json = {
      {"weights", facts.weights},
      {"data", facts.data},
      {"network", facts.network},
      {"images", metrics.images()},
      {"loss", metrics.loss()},
      {"top1", metrics.top1()},
      {"top5", metrics.top5()},
      {"classes", facts.classes},
      {"confusion", confusion_json(metrics)},
      {"per_class", per_class_json(metrics, facts.classes)},
      {"cached_images", evaluation.cached_images},
      {"images_per_second", static_cast<double>(metrics.images()) / evaluation.seconds},
      {"peak_memory_bytes", io::peak_memory_bytes()},
      {"skipped", skipped_json(evaluation.skipped)},
  };
  if (facts.held_out > 0) json["held_out"] = facts.held_out;
  return to_text(json);
}

}  // namespace scatlight::train
