#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "nets/network.h"

namespace scatlight::nets {

/// The names of all networks, the one list that the command line and Python read: "scatresnet10",
/// "scatresnet10-order2", "scatresnet50", "wide-scatresnet50-2", "resnet50" ..., "vgg16", and small ones for
/// small data sets.
std::vector<std::string> network_names();

/// The options of a network of the catalogue, with 1000 classes and 224x224 images. Throws Error, with the
/// accepted names, for an unknown one.
NetworkOptions network_options(std::string_view name);

/// The same groups behind another front end, or behind torchvision's stem on pixels. The first group works at
/// an eighth of the image, where J is 3, in each of them. Images have no batch norm. Throws Error for VGG on
/// anything but pixels.
NetworkOptions with_input(NetworkOptions options, Input input);

/// What was subtracted from R, G, B in [0, 1], and by what they were divided, for an input that must know.
void set_image_statistics(NetworkOptions& options, const std::array<float, 3>& mean,
                          const std::array<float, 3>& deviation);

}  // namespace scatlight::nets
