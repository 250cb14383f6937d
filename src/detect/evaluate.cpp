#include "detect/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "detect/confusion.h"
#include "detect/detection_rows.h"
#include "io/display.h"
#include "scatlight/error.h"
#include "train/json.h"
#include "train/skipped_files.h"
#include "train/stopwatch.h"

namespace scatlight::detect {
namespace {

void measure(Evaluation& evaluation, const data::BoxFolder& folder) {
  const auto classes = static_cast<int>(folder.classes.size());
  std::vector<TrueBox> objects;
  std::vector<FoundBox> found;
  for (const auto& image : evaluation.images) {
    const auto& sample = folder.samples[static_cast<std::size_t>(image.sample)];
    std::ranges::copy(true_boxes(sample), std::back_inserter(objects));
    std::ranges::copy(found_boxes(image, sample.id), std::back_inserter(found));
  }
  evaluation.coco = coco_metric(objects, found, classes);
  evaluation.voc = voc_metric(objects, found, classes);
  evaluation.confusion = confusion(objects, found, classes);
}

/// Gives every member what all of them found and how long that took.
void gather(Evaluation& evaluation, const train::Team& team) {
  if (team.size() == 1) return;
  auto own = train::Json::array();
  for (const auto& [sample, found] : evaluation.images) own.push_back({sample, to_rows(found)});
  evaluation.images.clear();
  for (const auto& bytes : team.gather(train::to_bytes(own))) {
    for (const auto& image : train::from_bytes(bytes))
      evaluation.images.push_back({.sample = image[0], .found = from_rows(image[1])});
  }
  auto& stages = evaluation.stages;
  std::array seconds = {stages.waiting, stages.maps, stages.base, stages.proposals, stages.head};
  team.sum(seconds);
  stages = {.waiting = seconds[0],
            .maps = seconds[1],
            .base = seconds[2],
            .proposals = seconds[3],
            .head = seconds[4]};
}

}  // namespace

std::vector<TrueBox> true_boxes(const data::BoxSample& sample) {
  std::vector<TrueBox> boxes;
  boxes.reserve(sample.objects.size());
  for (const auto& object : sample.objects) {
    boxes.push_back({.image = sample.id,
                     .label = object.label,
                     .box = to_box(object.box),
                     .area = object.area,
                     .difficult = object.difficult,
                     .crowd = object.crowd});
  }
  return boxes;
}

data::Box to_box(const Rect& rect) {
  return {.left = rect.left,
          .top = rect.top,
          .width = static_cast<double>(rect.right) - rect.left,
          .height = static_cast<double>(rect.bottom) - rect.top};
}

std::vector<FoundBox> found_boxes(const ImageDetections& image, std::int64_t id) {
  using train::rounded;
  std::vector<FoundBox> all;
  for (const auto& [rect, label, score] : image.found) {
    const auto box = to_box(rect);
    all.push_back({.image = id,
                   .label = label,
                   .box = {.left = rounded(box.left, 100),
                           .top = rounded(box.top, 100),
                           .width = rounded(box.width, 100),
                           .height = rounded(box.height, 100)},
                   .score = rounded(score, 1e6)});
  }
  return all;
}

Evaluation evaluate(Detector& detector, const DetectorFacts& facts, const data::BoxFolder& folder,
                    const EvaluateOptions& options, const train::OnImages& on_images,
                    const train::Team& team) {
  detector.train(false);
  const data::BoxRecipe recipe(facts.recipe);
  data::BoxLoader loader(folder, recipe,
                         {.batch_size = options.batch * team.size(),
                          .threads = options.threads,
                          .skip_bad = options.skip_bad,
                          .max_pixels = options.max_pixels,
                          .part = team.rank(),
                          .parts = team.size()});
  Evaluation evaluation;
  train::Stopwatch all;
  train::Stopwatch waiting;
  all.start();
  for (;;) {
    waiting.start();
    auto batch = loader.next();
    waiting.stop();
    if (!batch) break;
    if (batch->count > 0) {
      auto found = detect(detector, facts.options, *batch, evaluation.stages);
      for (std::size_t i = 0; i < found.size(); ++i)
        evaluation.images.push_back({.sample = batch->indices[i], .found = std::move(found[i])});
    }
    on_images(team.size() == 1 ? batch->count : batch->planned);
    loader.recycle(std::move(*batch));
  }
  evaluation.stages.waiting = waiting.seconds();
  evaluation.skipped = train::skipped_of_team(loader.skipped(), team);
  gather(evaluation, team);
  evaluation.seconds = all.seconds();
  if (evaluation.images.empty()) {
    team.lead([&] {
      throw Error(fmt::format("no image could be read{}",
                              evaluation.skipped.empty()
                                  ? std::string()
                                  : fmt::format(": the first is {}", evaluation.skipped.front().reason)));
    });
  }
  std::ranges::sort(evaluation.images, {}, &ImageDetections::sample);
  measure(evaluation, folder);
  return evaluation;
}

}  // namespace scatlight::detect
