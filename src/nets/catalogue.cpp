#include "nets/catalogue.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "nets/front_end.h"
#include "scatlight/error.h"

namespace scatlight::nets {
namespace {

NetworkOptions wide_resnet(const char* name, int factor) {
  return {.name = name,
          .family = Family::WideResNet,
          .input = Input::Pixels,
          .stem = 16,
          .depths = {2, 2, 2},
          .widths = {16 * factor, 32 * factor, 64 * factor}};
}

// Paper table 1 and section 4; torchvision for the networks on pixels.
const std::vector<NetworkOptions>& catalogue() {
  static const std::vector<NetworkOptions> networks = {
      {.name = "scatresnet10", .depths = {2, 2}, .widths = {256, 512}},
      {.name = "scatresnet10-order2", .max_order = 2, .depths = {2, 2}, .widths = {256, 512}},
      {.name = "scatresnet50",
       .block = Block::Bottleneck,
       .stem = 128,
       .depths = {5, 8, 3},
       .widths = {128, 256, 512},
       .expansion = 4},
      {.name = "wide-scatresnet50-2",
       .block = Block::Bottleneck,
       .stem = 256,
       .depths = {5, 8, 3},
       .widths = {256, 512, 1024},
       .expansion = 4},
      {.name = "resnet50",
       .family = Family::ResNet,
       .input = Input::Pixels,
       .block = Block::Bottleneck,
       .stem = 64,
       .depths = {3, 4, 6, 3},
       .widths = {64, 128, 256, 512},
       .expansion = 4},
      {.name = "resnet101",
       .family = Family::ResNet,
       .input = Input::Pixels,
       .block = Block::Bottleneck,
       .stem = 64,
       .depths = {3, 4, 23, 3},
       .widths = {64, 128, 256, 512},
       .expansion = 4},
      {.name = "resnet152",
       .family = Family::ResNet,
       .input = Input::Pixels,
       .block = Block::Bottleneck,
       .stem = 64,
       .depths = {3, 8, 36, 3},
       .widths = {64, 128, 256, 512},
       .expansion = 4},
      {.name = "wide-resnet50-2",
       .family = Family::ResNet,
       .input = Input::Pixels,
       .block = Block::Bottleneck,
       .stem = 64,
       .depths = {3, 4, 6, 3},
       .widths = {128, 256, 512, 1024},
       .expansion = 2},
      {.name = "vgg16", .family = Family::Vgg, .input = Input::Pixels},
      // For small data sets. The twin on pixels has the same groups, at the same resolution: an eighth of the
      // image, as scattering with J = 3 gives, so that it costs about as much.
      {.name = "scatresnet-small", .input_norm = true, .stem = 64, .depths = {2, 2}, .widths = {64, 128}},
      {.name = "resnet-small",
       .family = Family::ResNet,
       .input = Input::Pixels,
       .stem = 64,
       .depths = {2, 2},
       .widths = {64, 128},
       .first_stride = 2},
      // For detectors on small data sets: a group more, which works on the regions.
      {.name = "scatdet-small",
       .input_norm = true,
       .stem = 64,
       .depths = {2, 2, 2},
       .widths = {64, 128, 128}},
      {.name = "det-small",
       .family = Family::ResNet,
       .input = Input::Pixels,
       .stem = 64,
       .depths = {2, 2, 2},
       .widths = {64, 128, 128},
       .first_stride = 2},
      {.name = "linear", .family = Family::Linear},
      // For pictures of 32 x 32. 16 layers, of 8, 4 and 2 times the width of a thin residual network.
      wide_resnet("wrn-16-8", 8),
      wide_resnet("wrn-16-4", 4),
      wide_resnet("wrn-16-2", 2),
  };
  return networks;
}

}  // namespace

std::vector<std::string> network_names() {
  std::vector<std::string> names;
  for (const auto& network : catalogue()) names.push_back(network.name);
  return names;
}

NetworkOptions network_options(std::string_view name) {
  const auto found = std::find_if(catalogue().begin(), catalogue().end(),
                                  [&](const auto& network) { return network.name == name; });
  if (found == catalogue().end())
    throw Error(
        fmt::format("there is no network '{}'; there are {}", name, fmt::join(network_names(), ", ")));
  return *found;
}

NetworkOptions with_input(NetworkOptions options, Input input) {
  if (options.family == Family::Vgg && input != Input::Pixels)
    throw Error(fmt::format("{} works on pixels, not on {}", options.name, name_of(input)));
  options.input = input;
  const bool is_image = input == Input::Pixels || input == Input::Patchify;
  if (is_image) options.input_norm = false;
  if (input == Input::Pixels && options.family == Family::ScatResNet) {
    options.family = Family::ResNet;
    options.first_stride = 2;
  } else if (input != Input::Pixels && options.family == Family::ResNet) {
    options.family = Family::ScatResNet;
    options.first_stride = 1;
  }
  return options;
}

void set_image_statistics(NetworkOptions& options, const std::array<float, 3>& mean,
                          const std::array<float, 3>& deviation) {
  if (options.input != Input::Dct) return;
  options.image_mean = mean;
  options.image_deviation = deviation;
}

}  // namespace scatlight::nets
