#include "train/predict.h"

#include <fmt/format.h>

#include "io/csv.h"
#include "train/infer.h"
#include "train/json.h"
#include "train/scores.h"
#include "train/skipped_files.h"

namespace scatlight::train {
namespace {

/// The files as a data set without classes.
data::ImageFolder as_folder(const std::vector<std::filesystem::path>& files) {
  data::ImageFolder folder;
  for (const auto& file : files) folder.samples.push_back({.name = file.native()});
  return folder;
}

std::vector<Prediction> best_of(std::span<const float> scores, std::int64_t top) {
  const auto probabilities = softmax(scores);
  std::vector<Prediction> best;
  for (const auto label : top_k(scores, top))
    best.push_back({.label = label, .probability = probabilities[static_cast<std::size_t>(label)]});
  return best;
}

}  // namespace

Predictions predict(Model& model, const std::vector<std::filesystem::path>& files,
                    const PredictOptions& options, const OnImages& on_images) {
  const auto folder = as_folder(files);
  const data::Recipe recipe(model.recipe);
  const auto classes = model.classes.size();
  data::Loader loader(folder, recipe,
                      {.batch_size = options.batch,
                       .threads = options.threads,
                       .skip_bad = options.skip_bad,
                       .max_pixels = options.max_pixels});
  model.network.train(false);
  Predictions result;
  while (auto batch = loader.next()) {
    const auto scores =
        scores_of(model.network, model.network.maps(images_of(*batch, recipe, model.network.device())));
    const auto numbers = numbers_of(scores);
    check_finite(numbers);
    for (std::size_t i = 0; i < batch->indices.size(); ++i) {
      const auto& sample = folder.samples[static_cast<std::size_t>(batch->indices[i])];
      result.images.push_back(
          {.file = sample.name, .predictions = best_of(numbers.subspan(i * classes, classes), options.top)});
    }
    on_images(batch->count);
    loader.recycle(std::move(*batch));
  }
  result.skipped = loader.skipped();
  return result;
}

Predictions predictions_of_team(const Predictions& own, const Team& team) {
  if (team.size() == 1) return own;
  team.wait();
  auto rows = Json::array();
  for (const auto& [file, predictions] : own.images) {
    auto best = Json::array();
    for (const auto& [label, probability] : predictions) best.push_back({label, probability});
    rows.push_back({file.native(), std::move(best)});
  }
  Predictions all = {.images = {}, .skipped = skipped_of_team(own.skipped, team)};
  for (const auto& text : team.gather(to_bytes(rows))) {
    for (const auto& row : from_bytes(text)) {
      auto& [file, predictions] = all.images.emplace_back();
      file = row[0].get<std::string>();
      for (const auto& one : row[1]) predictions.push_back({.label = one[0], .probability = one[1]});
    }
  }
  return all;
}

std::string predictions_json(const Predictions& predictions, const Model& model) {
  Json images = Json::array();
  for (const auto& image : predictions.images) {
    Json best = Json::array();
    for (const auto& [label, probability] : image.predictions)
      best.push_back(
          {{"class", model.classes[static_cast<std::size_t>(label)]}, {"probability", probability}});
    images.push_back({{"file", image.file.string()}, {"predictions", best}});
  }
  const Json json = {{"weights", model.file.string()},
                     {"network", model.network.options().name},
                     {"classes_in_all", model.classes.size()},
                     {"images", images},
                     {"skipped", skipped_json(predictions.skipped)}};
  return to_text(json);
}

std::string predictions_csv(const Predictions& predictions, const Model& model) {
  auto text = io::csv_line({"file", "rank", "class", "probability"});
  for (const auto& image : predictions.images) {
    int rank = 0;
    for (const auto& [label, probability] : image.predictions) {
      text +=
          io::csv_line({image.file.string(), fmt::format("{}", ++rank),
                        model.classes[static_cast<std::size_t>(label)], fmt::format("{:.6f}", probability)});
    }
  }
  return text;
}

}  // namespace scatlight::train
