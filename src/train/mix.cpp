#include "train/mix.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/roll.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "scatlight/error.h"

namespace scatlight::train {
namespace {

constexpr double largest_alpha = 100;

double draw_normal(data::CounterRandom& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

/// The logarithm of a number from Gamma(shape, 1). Marsaglia and Tsang, "A simple method for generating gamma
/// variables" (2000), which wants shapes of 1 and more; others follow from the next.
double draw_log_gamma(double shape, data::CounterRandom& random) {
  if (shape < 1) {
    const double of_next = draw_log_gamma(shape + 1, random);
    return of_next + std::log(1 - random.uniform()) / shape;
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = draw_normal(random);
    const double v = std::pow(1 + c * x, 3);
    if (v <= 0) continue;
    if (std::log(1 - random.uniform()) < x * x / 2 + d - d * v + d * std::log(v)) return std::log(d * v);
  }
}

Mix cut(double share, int size, data::CounterRandom& random) {
  const auto place = [&] { return static_cast<int>(random.below(static_cast<std::uint64_t>(size))); };
  const int x = place();
  const int y = place();
  const int half = static_cast<int>(0.5 * std::sqrt(1 - share) * size);
  const int left = std::max(x - half, 0);
  const int top = std::max(y - half, 0);
  const data::Window window{.left = left,
                            .top = top,
                            .width = std::min(x + half, size) - left,
                            .height = std::min(y + half, size) - top};
  const double covered = static_cast<double>(window.width) * window.height;
  return {.own = 1 - covered / (static_cast<double>(size) * size), .window = window};
}

}  // namespace

void check(const MixOptions& options) {
  for (const auto& [name, alpha] : {std::pair{"mixup", options.mixup}, {"cutmix", options.cutmix}}) {
    if (!(alpha >= 0 && alpha <= largest_alpha))
      throw Error(fmt::format("{} {}: 0 to {} is accepted", name, alpha, largest_alpha));
  }
}

double draw_beta(double alpha, data::CounterRandom& random) {
  const double a = draw_log_gamma(alpha, random);
  const double b = draw_log_gamma(alpha, random);
  return 1 / (1 + std::exp(b - a));
}

Mix draw_mix(const MixOptions& options, int size, data::CounterRandom random) {
  if (options.mixup == 0 && options.cutmix == 0) return {};
  const bool cuts = options.mixup == 0 || (options.cutmix > 0 && random.below(2) == 0);
  const double share = draw_beta(cuts ? options.cutmix : options.mixup, random);
  return cuts ? cut(share, size, random) : Mix{.own = share};
}

at::Tensor mixed(const at::Tensor& images, const Mix& mix) {
  if (mix.own == 1) return images;
  const auto others = images.roll(1, 0);
  if (!mix.window) return others * (1 - mix.own) + images * mix.own;
  const auto covered = [&](const at::Tensor& of) {
    return of.narrow(2, mix.window->top, mix.window->height).narrow(3, mix.window->left, mix.window->width);
  };
  auto result = images.clone();
  covered(result).copy_(covered(others));
  return result;
}

}  // namespace scatlight::train
