#include "detect/evaluate.h"

#include <fmt/format.h>

#include "detect/confusion.h"
#include "io/display.h"
#include "scatlight/error.h"
#include "train/json.h"
#include "train/stopwatch.h"

namespace scatlight::detect {
namespace {

std::vector<TrueBox> true_boxes(const data::BoxFolder& folder, const std::vector<ImageDetections>& images) {
  std::vector<TrueBox> all;
  for (const auto& [index, found] : images) {
    const auto& sample = folder.samples[static_cast<std::size_t>(index)];
    for (const auto& object : sample.objects) {
      all.push_back({.image = sample.id,
                     .label = object.label,
                     .box = to_box(object.box),
                     .area = object.area,
                     .difficult = object.difficult,
                     .crowd = object.crowd});
    }
  }
  return all;
}

void measure(Evaluation& evaluation, const data::BoxFolder& folder) {
  const auto classes = static_cast<int>(folder.classes.size());
  const auto objects = true_boxes(folder, evaluation.images);
  std::vector<FoundBox> found;
  for (const auto& image : evaluation.images) {
    const auto in_image = found_boxes(image, folder.samples[static_cast<std::size_t>(image.sample)].id);
    found.insert(found.end(), in_image.begin(), in_image.end());
  }
  evaluation.coco = coco_metric(objects, found, classes);
  evaluation.voc = voc_metric(objects, found, classes);
  evaluation.confusion = confusion(objects, found, classes);
}

}  // namespace

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
                    const EvaluateOptions& options, const train::OnImages& on_images) {
  detector.train(false);
  const data::BoxRecipe recipe(facts.recipe);
  data::BoxLoader loader(folder, recipe,
                         {.batch_size = options.batch,
                          .threads = options.threads,
                          .skip_bad = options.skip_bad,
                          .max_pixels = options.max_pixels});
  Evaluation evaluation;
  train::Stopwatch all;
  train::Stopwatch waiting;
  all.start();
  for (;;) {
    waiting.start();
    auto batch = loader.next();
    waiting.stop();
    if (!batch) break;
    auto found = detect(detector, facts.options, *batch, evaluation.stages);
    for (std::size_t i = 0; i < found.size(); ++i)
      evaluation.images.push_back({.sample = batch->indices[i], .found = std::move(found[i])});
    on_images(batch->count);
    loader.recycle(std::move(*batch));
  }
  evaluation.seconds = all.seconds();
  evaluation.stages.waiting = waiting.seconds();
  evaluation.skipped = loader.skipped();
  if (evaluation.images.empty()) {
    throw Error(fmt::format("no image could be read{}",
                            evaluation.skipped.empty()
                                ? std::string()
                                : fmt::format(": the first is {}", evaluation.skipped.front().reason)));
  }
  std::ranges::sort(evaluation.images, {}, &ImageDetections::sample);
  measure(evaluation, folder);
  return evaluation;
}

}  // namespace scatlight::detect
