#include "train/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/display.h"
#include "nets/cost.h"
#include "scatlight/error.h"

namespace scatlight::train {

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

nets::NetworkOptions network_options(const TrainOptions& options) {
  auto network = options.network;
  network.classes = std::max(static_cast<int>(options.train_data.classes.size()), 2);
  network.height = network.width = options.recipe.size;
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
  data::Recipe{options.recipe};
  nets::cost(network_options(options));
}

}  // namespace scatlight::train
