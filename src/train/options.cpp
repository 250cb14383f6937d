#include "train/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/display.h"
#include "nets/cost.h"
#include "scatlight/error.h"
#include "train/json.h"

namespace scatlight::train {

data::ImageFolder list_train_data(const std::filesystem::path& root) {
  auto folder = data::list_image_folder(root);
  if (folder.classes.size() < 2) {
    throw Error(fmt::format("{} has {} class folder: a classifier needs at least 2", io::display_path(root),
                            folder.classes.size()));
  }
  try {
    static_cast<void>(Json(folder.classes).dump());
  } catch (const Json::exception&) {
    throw Error(fmt::format("a class folder of {} has a name that is not UTF-8", io::display_path(root)));
  }
  return folder;
}

nets::NetworkOptions network_options(const TrainOptions& options) {
  auto network = options.network;
  network.classes = std::max(static_cast<int>(options.train_data.classes.size()), 2);
  network.height = network.width = options.recipe.size;
  return network;
}

void check(const TrainOptions& options) {
  const auto fail = [](const char* what, auto value, const std::string& accepted) {
    throw Error(fmt::format("{} {}: {} is accepted", what, value, accepted));
  };
  if (options.epochs < 1) fail("epochs", options.epochs, "at least 1");
  if (!(options.seconds >= 0)) fail("seconds of training", options.seconds, "at least 0");
  if (options.batch < 1) fail("batch", options.batch, "at least 1");
  if (options.micro_batch < 0 || options.micro_batch > options.batch)
    fail("micro-batch", options.micro_batch, fmt::format("0 to the batch ({})", options.batch));
  if (!(options.schedule.learning_rate > 0)) fail("learning rate", options.schedule.learning_rate, "above 0");
  if (!(options.schedule.warmup >= 0 && options.schedule.warmup < 1))
    fail("warm-up", options.schedule.warmup, "a share of the training, 0 to below 1,");
  if (!(options.sgd.momentum >= 0 && options.sgd.momentum < 1))
    fail("momentum", options.sgd.momentum, "0 to below 1");
  if (!(options.sgd.weight_decay >= 0 && options.sgd.weight_decay <= 1))
    fail("weight decay", options.sgd.weight_decay, "0 to 1");
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1))
    fail("label smoothing", options.label_smoothing, "0 to below 1");
  if (options.eval_every < 1) fail("epochs between evaluations", options.eval_every, "at least 1");
  data::Recipe{options.recipe};
  nets::cost(network_options(options));
}

}  // namespace scatlight::train
