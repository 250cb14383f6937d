#pragma once

#include "nets/network.h"
#include "train/options.h"

namespace scatlight::train {

/// Gives a network that standardizes its maps their means and deviations over the training images, prepared
/// like test images; of more than `most_images_of_statistics`, over so many at even distances. A map that is
/// the same everywhere keeps the deviation 1. Shows a progress bar. Throws Error for a bad file, unless they
/// are skipped.
void find_map_statistics(nets::Network& network, const TrainOptions& options);

constexpr std::int64_t most_images_of_statistics = 4096;

}  // namespace scatlight::train
