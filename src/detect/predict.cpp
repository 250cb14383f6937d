#include "detect/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <set>
#include <span>

#include "data/box_listing.h"
#include "data/decode.h"
#include "data/encode.h"
#include "data/mark.h"
#include "detect/detection_rows.h"
#include "detect/infer.h"
#include "io/atomic_file.h"
#include "io/csv.h"
#include "io/display.h"
#include "train/json.h"
#include "train/skipped_files.h"

namespace scatlight::detect {
namespace {

using train::rounded;

/// OUT/NAME.png, or OUT/NAME-2.png ... where that is taken.
std::filesystem::path marked_file(const std::filesystem::path& folder, const std::filesystem::path& picture,
                                  std::set<std::filesystem::path>& taken) {
  const auto stem = picture.stem().native();
  auto file = folder / (stem + ".png");
  for (int number = 2; !taken.insert(file).second; ++number)
    file = folder / fmt::format("{}-{}.png", stem, number);
  return file;
}

}  // namespace

Predictions predict(DetectorModel& model, const std::vector<std::filesystem::path>& files,
                    const PredictOptions& options, const train::OnImages& on_images) {
  const auto folder = data::list_pictures(
      files, {.skip_bad = options.skip_bad, .max_pixels = options.max_pixels, .threads = options.threads});
  auto facts = model.facts;
  facts.options.score = static_cast<float>(options.score);
  const data::BoxRecipe recipe(facts.recipe);
  data::BoxLoader loader(folder, recipe,
                         {.batch_size = 1,  // which keeps the order of the files
                          .threads = options.threads,
                          .skip_bad = options.skip_bad,
                          .max_pixels = options.max_pixels});
  model.detector.train(false);
  Predictions result;
  StageSeconds seconds;
  while (auto batch = loader.next()) {
    auto found = detect(model.detector, facts.options, *batch, seconds);
    const auto& sample = folder.samples[static_cast<std::size_t>(batch->indices.front())];
    result.images.push_back({.file = sample.file, .size = sample.size, .found = std::move(found.front())});
    on_images(batch->count);
    loader.recycle(std::move(*batch));
  }
  result.skipped = folder.skipped;
  result.skipped.insert(result.skipped.end(), loader.skipped().begin(), loader.skipped().end());
  return result;
}

Predictions predictions_of_team(const Predictions& own, const train::Team& team) {
  if (team.size() == 1) return own;
  team.wait();
  auto images = train::Json::array();
  for (const auto& [file, size, found] : own.images)
    images.push_back({file.native(), size.width, size.height, to_rows(found)});
  Predictions all = {.images = {}, .skipped = train::skipped_of_team(own.skipped, team)};
  for (const auto& bytes : team.gather(train::to_bytes(images))) {
    for (const auto& image : train::from_bytes(bytes)) {
      all.images.push_back({.file = image[0].get<std::string>(),
                            .size = {.width = image[1], .height = image[2]},
                            .found = from_rows(image[3])});
    }
  }
  return all;
}

std::string predictions_json(const Predictions& predictions, const DetectorModel& model) {
  using train::Json;
  Json images = Json::array();
  for (const auto& image : predictions.images) {
    Json found = Json::array();
    for (const auto& [box, label, score] : image.found) {
      found.push_back({{"class", model.facts.classes[static_cast<std::size_t>(label)]},
                       {"score", rounded(score, 1e6)},
                       {"box",
                        {rounded(box.left, 100), rounded(box.top, 100), rounded(box.right, 100),
                         rounded(box.bottom, 100)}}});
    }
    images.push_back({{"file", image.file.string()},
                      {"width", image.size.width},
                      {"height", image.size.height},
                      {"detections", std::move(found)}});
  }
  return train::to_text({{"task", "detect"},
                         {"weights", model.file.string()},
                         {"network", model.detector.options().network.name},
                         {"images", std::move(images)},
                         {"skipped", train::skipped_json(predictions.skipped)}});
}

std::string predictions_csv(const Predictions& predictions, const DetectorModel& model) {
  auto text = io::csv_line({"file", "class", "score", "left", "top", "right", "bottom"});
  const auto coordinate = [](float value) { return fmt::format("{:.2f}", rounded(value, 100)); };
  for (const auto& image : predictions.images) {
    for (const auto& [box, label, score] : image.found) {
      text += io::csv_line({image.file.string(), model.facts.classes[static_cast<std::size_t>(label)],
                            fmt::format("{:.6f}", rounded(score, 1e6)), coordinate(box.left),
                            coordinate(box.top), coordinate(box.right), coordinate(box.bottom)});
    }
  }
  return text;
}

void write_marked(const Predictions& predictions, const DetectorModel& model,
                  const std::filesystem::path& folder, std::int64_t max_pixels) {
  std::set<std::filesystem::path> taken;
  for (const auto& prediction : predictions.images) {
    auto image = data::decode_file(prediction.file, max_pixels);
    std::vector<data::Mark> marks;
    marks.reserve(prediction.found.size());
    for (const auto& [box, label, score] : std::views::reverse(prediction.found)) {  // the best on top
      const auto& name = model.facts.classes[static_cast<std::size_t>(label)];
      marks.push_back({.box = box,
                       .text = fmt::format("{} {:.0f} %", name, 100 * score),
                       .colour = data::label_colour(label)});
    }
    data::mark(image, marks);
    const auto file = marked_file(folder, prediction.file, taken);
    io::make_folder_for(file);
    const auto bytes = data::encode_png(image.rgb, image.height, image.width);
    io::write_file(file, std::as_bytes(std::span(bytes)));
  }
}

}  // namespace scatlight::detect
