#include "detect/run_facts.h"

#include <algorithm>
#include <optional>

#include "scatlight/error.h"
#include "train/json.h"
#include "train/run_facts.h"

namespace scatlight::detect {
namespace {

using train::Json;

Json to_json(const data::BoxFolder& folder) {
  std::vector<std::int64_t> objects(folder.classes.size());
  for (const auto& sample : folder.samples) {
    for (const auto& object : sample.objects) ++objects[static_cast<std::size_t>(object.label)];
  }
  Json by_class = Json::object();
  for (std::size_t label = 0; label < objects.size(); ++label)
    by_class[folder.classes[label]] = objects[label];
  Json roots = Json::array();
  for (const auto& root : folder.roots) roots.push_back(root.string());
  const auto& counts = folder.counts;
  Json json = {{"roots", std::move(roots)},      {"images", folder.samples.size()},
               {"objects", std::move(by_class)}, {"empty", counts.empty},
               {"difficult", counts.difficult},  {"crowd", counts.crowd},
               {"trimmed", counts.trimmed},      {"dropped", counts.dropped},
               {"turned", counts.turned},        {"skipped", folder.skipped.size()}};
  if (folder.held_out > 0) json["held_out"] = folder.held_out;
  return json;
}

Json detector_json(const DetectorTrainOptions& training, const Detector& detector) {
  const auto& options = training.detector;
  const auto& parts = detector.parts();
  return {{"anchor_sizes", options.anchor_sizes},
          {"anchor_ratios", options.anchor_ratios},
          {"stride", parts.stride},
          {"channels", parts.channels},
          {"rpn_channels", detector.options().rpn_channels},
          {"rpn_samples", options.rpn_samples},
          {"proposals", options.proposals},
          {"roi_samples", options.roi_samples},
          {"frozen_groups", training.frozen.groups},
          {"frozen_norms", training.frozen.norms},
          {"short_side", training.recipe.short_side},
          {"long_side", training.recipe.long_side}};
}

/// Sixteen pictures with their objects, spread over the data set, for the reader of the report.
Json some_pictures(const data::BoxFolder& folder) {
  constexpr std::size_t most = 16;
  const auto count = std::min(most, folder.samples.size());
  Json list = Json::array();
  for (std::size_t i = 0; i < count; ++i) {
    const auto& sample = folder.samples[i * folder.samples.size() / count];
    Json boxes = Json::array();
    for (const auto& [box, label, difficult, crowd, area] : sample.objects)
      boxes.push_back({{"class", label}, {"box", {box.left, box.top, box.right, box.bottom}}});
    list.push_back({{"file", sample.file.string()},
                    {"width", sample.size.width},
                    {"height", sample.size.height},
                    {"boxes", std::move(boxes)}});
  }
  return list;
}

/// Nothing for a picture that is too narrow for the recipe, which --skip-bad leaves out.
std::optional<data::Framing> frame(const data::BoxRecipe& recipe, const data::BoxSample& sample) {
  data::CounterRandom random(0, 0, 0);  // the size does not depend on it
  try {
    return recipe.augment(sample.size, sample.objects, random);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Every object's middle and size as shares of its picture, and its size in pixels that the network sees, for
/// the pictures of the report. A part of the objects if they are many.
Json geometry(const data::BoxFolder& folder, const data::BoxRecipeOptions& options) {
  constexpr std::int64_t most = 5000;
  const data::BoxRecipe recipe(options);
  std::int64_t all = 0;
  for (const auto& sample : folder.samples) all += std::ssize(sample.objects);
  const std::int64_t step = std::max<std::int64_t>(1, (all + most - 1) / most);
  Json rows = Json::array();
  std::int64_t number = 0;
  for (const auto& sample : folder.samples) {
    const auto framing = frame(recipe, sample);
    if (!framing) continue;
    for (const auto& object : sample.objects) {
      if (number++ % step != 0) continue;
      const auto& box = object.box;
      rows.push_back({train::rounded((box.left + box.right) / 2 / sample.size.width, 1e3),
                      train::rounded((box.top + box.bottom) / 2 / sample.size.height, 1e3),
                      train::rounded(box.width() * framing->scale_x(), 10),
                      train::rounded(box.height() * framing->scale_y(), 10)});
    }
  }
  return rows;
}

}  // namespace

Json run_facts(const DetectorTrainOptions& training, const Detector& detector) {
  auto json = train::facts_of_call("train-detector", training.loop.flags, training.threads);
  std::int64_t parameters = 0;
  for (const auto& [name, tensor] : detector.parameters()) parameters += tensor.numel();
  json["task"] = "detect";
  json["network"] = {{"name", detector.options().network.name}, {"parameters", parameters}};
  json["detector"] = detector_json(training, detector);
  json["data"] = {{"train", to_json(training.train_data)}};
  if (training.val_data) json["data"]["val"] = to_json(*training.val_data);
  json["classes"] = training.train_data.classes;
  json["pictures"] = some_pictures(training.train_data);
  json["objects"] = geometry(training.train_data, training.recipe);
  return json;
}

}  // namespace scatlight::detect
