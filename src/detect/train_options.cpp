#include "detect/train_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "detect/anchors.h"
#include "nets/catalogue.h"
#include "scatlight/error.h"

namespace scatlight::detect {

DetectorNetworkOptions network_options(const DetectorTrainOptions& options) {
  auto network = options.network;
  network.network.classes = std::max(static_cast<int>(options.train_data.classes.size()), 1);
  nets::set_image_statistics(network.network, options.recipe.mean, options.recipe.deviation);
  network.anchors = anchors_per_cell(options.detector);
  return network;
}

void check(const DetectorTrainOptions& options) {
  train::check(options.loop);
  check(options.detector);
  if (options.batch < 1) throw Error(fmt::format("batch {}: at least 1 is accepted", options.batch));
  if (options.micro_batch < 0 || options.micro_batch > options.batch) {
    throw Error(
        fmt::format("micro-batch {}: 0 to the batch ({}) is accepted", options.micro_batch, options.batch));
  }
  data::BoxRecipe{options.recipe};
  const auto network = network_options(options);
  check(network);
  nets::first_trained(options.frozen.groups, nets::detection_parts(network.network).groups);
}

}  // namespace scatlight::detect
