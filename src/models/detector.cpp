#include <fmt/format.h>

#include "data/box_loader.h"
#include "detect/infer.h"
#include "detect/model.h"
#include "models/placement.h"
#include "scatlight/models.h"

namespace scatlight {

struct Detector::State {
  detect::DetectorModel model;
  data::BoxRecipe recipe;
};

Detector::Detector(const std::filesystem::path& model, const ModelOptions& options) {
  const auto placement = models::open_placement(options);
  auto loaded = detect::load_detector(model, placement);
  loaded.detector.train(false);
  const data::BoxRecipe recipe(loaded.facts.recipe);
  state_ = std::make_unique<State>(State{.model = std::move(loaded), .recipe = recipe});
}
Detector::~Detector() = default;
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;

const std::vector<std::string>& Detector::classes() const { return state_->model.facts.classes; }

std::vector<Detector::Object> Detector::detect(const Picture& picture, double score) {
  if (!(score >= 0 && score <= 1)) throw Error(fmt::format("score {}: 0 to 1 is accepted", score));
  const auto framing = state_->recipe.evaluate({.width = picture.width(), .height = picture.height()});
  const auto canvas = data::canvas_of(framing.size);
  data::BoxBatch batch;
  batch.count = 1;
  batch.height = canvas.height;
  batch.width = canvas.width;
  batch.images.resize(std::size_t{3} * static_cast<std::size_t>(canvas.height) *
                      static_cast<std::size_t>(canvas.width));
  batch.framings = {framing};
  state_->recipe.paint(models::to_image(picture), framing, batch.images, canvas);

  auto options = state_->model.facts.options;
  options.score = static_cast<float>(score);
  detect::StageSeconds seconds;
  const auto found = detect::detect(state_->model.detector, options, batch, seconds);
  std::vector<Object> objects;
  for (const auto& [box, label, confidence] : found.front()) {
    objects.push_back({.label = label,
                       .score = confidence,
                       .left = box.left,
                       .top = box.top,
                       .right = box.right,
                       .bottom = box.bottom});
  }
  return objects;
}

}  // namespace scatlight
