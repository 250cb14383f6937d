#include "train/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/display.h"
#include "nets/architecture.h"
#include "nets/catalogue.h"
#include "nets/cost.h"
#include "scatlight/error.h"

namespace scatlight::train {
namespace {

/// The data need not be listed yet.
void check_class_weights(const TrainOptions& options) {
  const auto& weights = options.class_weights;
  const auto& classes = options.train_data.classes;
  if (weights.empty()) return;
  for (const double weight : weights) {
    if (!(weight >= 0 && std::isfinite(weight)))
      throw Error(fmt::format("class weight {}: at least 0 is accepted", weight));
  }
  if (std::ranges::count(weights, 0) == std::ssize(weights))
    throw Error("class weights: at least one above 0 is accepted");
  if (!classes.empty() && classes.size() != weights.size()) {
    throw Error(fmt::format("{} class weights for {} classes: give one for each of {}, in this order",
                            weights.size(), classes.size(), data::list_some(classes)));
  }
}

}  // namespace

data::ImageFolder list_train_data(const std::filesystem::path& root) {
  auto folder = data::list_image_folder(root);
  if (folder.classes.size() < 2) {
    throw Error(fmt::format("{} has {} class: a classifier needs at least 2", io::display_path(root),
                            folder.classes.size()));
  }
  if (!std::ranges::all_of(folder.classes, io::is_utf8))
    throw Error(fmt::format("a class of {} has a name that is not UTF-8", io::display_path(root)));
  return folder;
}

std::vector<double> balanced_weights(const data::ImageFolder& folder) {
  std::vector<double> images(folder.classes.size());
  for (const auto& sample : folder.samples) ++images[static_cast<std::size_t>(sample.label)];
  const auto mean = static_cast<double>(folder.samples.size()) / static_cast<double>(images.size());
  std::vector<double> weights;
  weights.reserve(images.size());
  for (const double of_class : images) weights.push_back(mean / of_class);
  return weights;
}

nets::NetworkOptions network_options(const TrainOptions& options) {
  auto network = options.network;
  network.classes = std::max(static_cast<int>(options.train_data.classes.size()), 2);
  network.height = network.width = options.recipe.size;
  nets::set_image_statistics(network, options.recipe.mean, options.recipe.deviation);
  return network;
}

void check(const TrainOptions& options) {
  check(options.loop);
  if (options.batch < 1) throw Error(fmt::format("batch {}: at least 1 is accepted", options.batch));
  if (options.micro_batch < 0 || options.micro_batch > options.batch)
    throw Error(
        fmt::format("micro-batch {}: 0 to the batch ({}) is accepted", options.micro_batch, options.batch));
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1))
    throw Error(fmt::format("label smoothing {}: 0 to below 1 is accepted", options.label_smoothing));
  check_class_weights(options);
  check(options.mix);
  if (!(options.ridge >= 0 && std::isfinite(options.ridge)))
    throw Error(fmt::format("penalty of ridge regression {}: at least 0 is accepted", options.ridge));
  if (options.ridge > 0 && options.network.family != nets::Family::Linear)
    throw Error(
        fmt::format("ridge regression solves a linear network, which {} is not", options.network.name));
  const bool learns_filters = options.network.learned_filters != nets::LearnedFilters::None;
  if (learns_filters && options.ridge > 0)
    throw Error("ridge regression solves the linear layer alone: it learns no filters");
  if (learns_filters && !options.placement.device.is_cpu())
    throw Error("learned filters run on the CPU; another device is asked for");
  data::Recipe{options.recipe};
  nets::cost(network_options(options));
  nets::first_trained(options.frozen, nets::layer_groups(network_options(options)));
}

}  // namespace scatlight::train
