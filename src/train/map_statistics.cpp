#include "train/map_statistics.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "data/loader.h"
#include "io/progress.h"
#include "train/infer.h"

namespace scatlight::train {
namespace {

constexpr std::int64_t images_at_a_time = 64;

data::ImageFolder some_of(const data::ImageFolder& folder) {
  auto some = folder;
  const auto all = std::ssize(folder.samples);
  const auto count = std::min(all, most_images_of_statistics);
  some.samples.clear();
  for (std::int64_t i = 0; i < count; ++i)
    some.samples.push_back(folder.samples[static_cast<std::size_t>(i * all / count)]);
  return some;
}

}  // namespace

void find_map_statistics(nets::Network& network, const TrainOptions& options) {
  const at::NoGradGuard no_grad;
  const auto folder = some_of(options.train_data);
  const data::Recipe recipe(options.recipe);
  data::Loader loader(folder, recipe,
                      {.batch_size = images_at_a_time,
                       .threads = options.threads,
                       .skip_bad = options.skip_bad,
                       .max_pixels = options.max_pixels});
  io::Progress bar("means of the maps", std::ssize(folder.samples), "images");
  const auto channels = network.map_shape().front();
  auto sum = at::zeros({channels}, at::kDouble);
  auto squares = at::zeros({channels}, at::kDouble);
  double count = 0;
  while (auto batch = loader.next()) {
    const auto maps = network.maps(images_of(*batch, recipe, network.device())).to(at::kCPU, at::kDouble);
    sum += maps.sum(at::IntArrayRef({0, 2, 3}));
    squares += maps.square().sum(at::IntArrayRef({0, 2, 3}));
    count += static_cast<double>(maps.numel()) / static_cast<double>(channels);
    bar.advance(batch->count);
    loader.recycle(std::move(*batch));
  }
  bar.finish();
  if (count == 0) return;  // no image can be read, and training will say so
  const auto mean = sum / count;
  const auto deviation = (squares / count - mean.square()).clamp_min(0).sqrt();
  const auto varies = deviation > 1e-6 * mean.abs();
  network.set_map_statistics(mean, at::where(varies, deviation, at::ones_like(deviation)));
}

}  // namespace scatlight::train
