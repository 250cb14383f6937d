#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>

#include "data/loader.h"
#include "data/recipe.h"
#include "detect/model.h"
#include "models/placement.h"
#include "scatlight/models.h"
#include "train/infer.h"
#include "train/model.h"
#include "train/scores.h"

namespace scatlight {

bool is_detector(const std::filesystem::path& model) { return detect::is_detector(model); }

struct Classifier::State {
  train::Model model;
  data::Recipe recipe;
  std::size_t batch;

  /// The logits (pictures, classes) of few enough for one pass.
  std::vector<float> scores_of(std::span<const Picture> pictures) {
    const auto size = static_cast<std::size_t>(recipe.options().size);
    const auto one = 3 * size * size;
    data::Batch images;
    images.count = std::ssize(pictures);
    images.images.resize(pictures.size() * one);
    at::parallel_for(0, images.count, 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        const auto image = recipe.evaluate(models::to_image(pictures[i]));
        std::ranges::copy(image.rgb, images.images.begin() + static_cast<std::ptrdiff_t>(i * one));
      }
    });
    auto& network = model.network;
    const auto scores =
        train::scores_of(network, network.maps(train::images_of(images, recipe, network.device())));
    const auto numbers = train::numbers_of(scores);
    train::check_finite(numbers);
    return {numbers.begin(), numbers.end()};
  }
};

Classifier::Classifier(const std::filesystem::path& model, const ModelOptions& options) {
  const auto placement = models::open_placement(options);
  auto loaded = train::load_model(model, placement);
  loaded.network.train(false);
  const data::Recipe recipe(loaded.recipe);
  state_ = std::make_unique<State>(
      State{.model = std::move(loaded), .recipe = recipe, .batch = static_cast<std::size_t>(options.batch)});
}
Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;

const std::vector<std::string>& Classifier::classes() const { return state_->model.classes; }

std::vector<double> Classifier::probabilities(std::span<const Picture> pictures) {
  std::vector<double> result;
  result.reserve(pictures.size() * classes().size());
  while (!pictures.empty()) {
    const auto count = std::min(pictures.size(), state_->batch);
    const auto scores = state_->scores_of(pictures.first(count));
    for (std::size_t i = 0; i < count; ++i) {
      const auto of_one = train::softmax(std::span(scores).subspan(i * classes().size(), classes().size()));
      result.insert(result.end(), of_one.begin(), of_one.end());
    }
    pictures = pictures.subspan(count);
  }
  return result;
}

std::vector<Classifier::Prediction> Classifier::classify(const Picture& picture, int top) {
  if (top < 1) throw Error(fmt::format("the {} most probable classes were asked for; 1 or more are", top));
  const auto scores = state_->scores_of(std::span(&picture, 1));
  const auto probabilities = train::softmax(scores);
  std::vector<Prediction> best;
  for (const auto label : train::top_k(scores, top)) {
    best.push_back(
        {.label = static_cast<int>(label), .probability = probabilities[static_cast<std::size_t>(label)]});
  }
  return best;
}

}  // namespace scatlight
