#include "detect/results.h"

#include <algorithm>

#include "detect/confusion.h"
#include "detect/metric_boxes.h"
#include "detect/stable_sort.h"
#include "io/machine.h"
#include "train/json.h"

namespace scatlight::detect {
namespace {

using train::Json;

constexpr double shown_score = 0.25;
constexpr double shown_overlap = 0.5;
constexpr std::size_t shown_images = 12;

double f1(double precision, double recall) {
  return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

Json to_json(const data::Box& box) { return {box.left, box.top, box.left + box.width, box.top + box.height}; }

/// One picture with what was found, missed and wrongly seen.
struct Shown {
  Json json;
  double f1 = 0;
};

/// As the metrics count at one overlap: a detection that lies on what does not count is left out.
Shown show(const data::BoxSample& sample, std::vector<FoundBox> found) {
  std::erase_if(found, [](const auto& one) { return one.score < shown_score; });
  const auto objects = true_boxes(sample);
  std::vector<bool> is_found(objects.size());
  Json boxes = Json::array();
  int hits = 0;
  int misses = 0;                  // detections of nothing
  for (const auto& one : found) {  // by falling score
    double best = shown_overlap;
    auto object = objects.size();
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (is_found[i] || !objects[i].counts() || objects[i].label != one.label) continue;
      const double common = overlap(objects[i].box, one.box);
      if (common < best) continue;
      best = common;
      object = i;
    }
    const bool is_hit = object < objects.size();
    if (!is_hit && lies_on_ignored(one, objects, shown_overlap)) continue;
    if (is_hit) is_found[object] = true;
    ++(is_hit ? hits : misses);
    boxes.push_back({{"kind", is_hit ? "found" : "false"},
                     {"class", one.label},
                     {"score", one.score},
                     {"box", to_json(one.box)}});
  }
  const auto counted = std::ranges::count_if(objects, &TrueBox::counts);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (objects[i].counts() && !is_found[i])
      boxes.push_back({{"kind", "missed"}, {"class", objects[i].label}, {"box", to_json(objects[i].box)}});
  }
  const int told = hits + misses;
  const double precision = told == 0 ? 0 : hits / static_cast<double>(told);
  const double recall = counted == 0 ? 0 : hits / static_cast<double>(counted);
  Shown shown = {.json = {{"file", sample.file.string()},
                          {"width", sample.size.width},
                          {"height", sample.size.height},
                          {"objects", counted},
                          {"boxes", std::move(boxes)}},
                 .f1 = counted == 0 && told == 0 ? 1 : f1(precision, recall)};
  shown.json["f1"] = shown.f1;
  return shown;
}

/// Half of them the worst, half around the median.
Json shown_json(const Evaluation& evaluation, const data::BoxFolder& folder) {
  std::vector<Shown> all;
  all.reserve(evaluation.images.size());
  for (const auto& image : evaluation.images) {
    const auto& sample = folder.samples[static_cast<std::size_t>(image.sample)];
    all.push_back(show(sample, found_boxes(image, sample.id)));
  }
  stable_sort(all, [](const Shown& a, const Shown& b) { return a.f1 < b.f1; });
  std::vector<std::size_t> places;
  places.reserve(shown_images);
  const std::size_t half = std::min(shown_images / 2, all.size());
  for (std::size_t i = 0; i < half; ++i) places.push_back(i);
  const std::size_t middle = all.size() / 2 - std::min(all.size() / 2, half / 2);
  for (std::size_t i = std::max(middle, half); i < std::min(middle + half, all.size()); ++i)
    places.push_back(i);
  Json list = Json::array();
  for (const auto i : places) list.push_back(std::move(all[i].json));
  return list;
}

/// "cells/ImageSets/Main/test.txt, more.json"
std::string data_of(const data::BoxFolder& folder) {
  std::string all;
  for (const auto& root : folder.roots) all += (all.empty() ? "" : ", ") + root.string();
  return all;
}

Json coco_json(const CocoNumbers& numbers) {
  Json json = Json::object();
  for (std::size_t i = 0; i < coco_names.size(); ++i) json[std::string(coco_names[i])] = numbers[i];
  return json;
}

Json per_class_json(const Evaluation& evaluation, const data::BoxFolder& folder) {
  Json list = Json::array();
  for (std::size_t label = 0; label < folder.classes.size(); ++label) {
    const auto& coco = evaluation.coco.classes[label];
    Json curve = Json::array();
    for (const auto& [recall, precision, score] : coco.curve) curve.push_back({recall, precision, score});
    list.push_back({{"class", folder.classes[label]},
                    {"images", coco.images},
                    {"objects", coco.objects},
                    {"ap", coco.numbers[0]},
                    {"ap50", coco.numbers[1]},
                    {"ap07", evaluation.voc.classes[label].ap07},
                    {"curve", std::move(curve)}});
  }
  return list;
}

}  // namespace

std::optional<CurvePoint> best_point(const CocoClass& of_class) {
  const auto& curve = of_class.curve;
  const auto best = std::ranges::max_element(
      curve, {}, [](const auto& point) { return f1(point.precision, point.recall); });
  if (best == curve.end()) return std::nullopt;
  return *best;
}

std::string evaluation_json(const Evaluation& evaluation, const data::BoxFolder& folder,
                            const EvaluationFacts& facts) {
  const auto side = folder.classes.size() + 1;
  Json confusion = Json::array();
  for (std::size_t row = 0; row < side; ++row) {
    const auto first = evaluation.confusion.begin() + static_cast<std::ptrdiff_t>(row * side);
    confusion.push_back(std::vector<std::int64_t>(first, first + static_cast<std::ptrdiff_t>(side)));
  }
  auto skipped = folder.skipped;  // bad annotations, then files
  skipped.insert(skipped.end(), evaluation.skipped.begin(), evaluation.skipped.end());
  const auto& numbers = evaluation.coco.numbers;
  const auto& stages = evaluation.stages;
  Json json = {
      {"task", "detect"},
      {"weights", facts.weights},
      {"data", data_of(folder)},
      {"network", facts.network},
      {"images", evaluation.images.size()},
      {"classes", folder.classes},
      {"ap", numbers[0]},
      {"ap50", numbers[1]},
      {"ap75", numbers[2]},
      {"coco", coco_json(numbers)},
      {"map07", evaluation.voc.map07},
      {"map10", evaluation.voc.map10},
      {"per_class", per_class_json(evaluation, folder)},
      {"confusion", std::move(confusion)},
      {"shown", shown_json(evaluation, folder)},
      {"seconds",
       {{"waiting", stages.waiting},
        {"maps", stages.maps},
        {"base", stages.base},
        {"proposals", stages.proposals},
        {"head", stages.head},
        {"all", evaluation.seconds}}},
      {"images_per_second", static_cast<double>(evaluation.images.size()) / evaluation.seconds},
      {"peak_memory_bytes", io::peak_memory_bytes()},
      {"skipped", train::skipped_json(skipped)},
  };
  if (folder.held_out > 0) json["held_out"] = folder.held_out;
  return train::to_text(json);
}

std::string detections_json(const Evaluation& evaluation, const data::BoxFolder& folder) {
  Json list = Json::array();
  for (const auto& image : evaluation.images) {
    const auto& sample = folder.samples[static_cast<std::size_t>(image.sample)];
    for (const auto& one : found_boxes(image, sample.id)) {
      list.push_back({{"image_id", sample.id},
                      {"category_id", folder.category_ids[static_cast<std::size_t>(one.label)]},
                      {"bbox", {one.box.left, one.box.top, one.box.width, one.box.height}},
                      {"score", one.score},
                      {"file_name", sample.file.filename().string()}});
    }
  }
  return train::to_text(list);
}

}  // namespace scatlight::detect
