#include "nets/wavelets.h"

#include <ATen/ATen.h>

#include <numbers>
#include <vector>

#include "core/given_wavelets.h"
#include "core/option_list.h"
#include "scatlight/wavelets.h"
#include "torch/values.h"

namespace scatlight::nets {
namespace {

constexpr std::size_t numbers_per_shape = 4;

}  // namespace

at::Tensor first_wavelets(const ScatteringOptions& options, LearnedFilters learned) {
  std::vector<double> numbers;
  for (const auto& shape : wavelet_shapes(options))
    numbers.insert(numbers.end(), {shape.theta, shape.xi, shape.sigma, shape.slant});
  const auto one = at::tensor(numbers, at::kDouble).view({options.scales, options.angles, numbers_per_shape});
  constexpr std::int64_t of_each_colour = 3;
  return learned == LearnedFilters::PerChannel ? one.repeat({of_each_colour, 1, 1, 1}) : one;
}

void keep_wavelets_in_range(const at::Tensor& wavelets) {
  const auto& sigma = option_of(&ScatteringOptions::sigma);
  const auto& slant = option_of(&ScatteringOptions::slant);
  const auto numbers = [&](std::int64_t index) { return wavelets.select(-1, index); };
  numbers(1).clamp_(-std::numbers::pi, std::numbers::pi);
  numbers(2).clamp_min_(sigma.lowest);
  numbers(3).clamp_(slant.lowest, slant.highest);
}

void check_wavelets(const at::Tensor& wavelets, const NetworkOptions& options) {
  ScatteringOptions resolved;
  resolved.scales = options.scales;
  resolved.angles = options.angles;
  const auto on_host = wavelets.detach().to(at::kCPU).contiguous();
  const auto numbers = torch_ops::values_of<double>(on_host);
  std::vector<WaveletShape> shapes;
  const auto per_set = static_cast<std::size_t>(options.scales) * options.angles;
  for (std::size_t i = 0; i < numbers.size(); i += numbers_per_shape) {
    shapes.push_back(
        {.theta = numbers[i], .xi = numbers[i + 1], .sigma = numbers[i + 2], .slant = numbers[i + 3]});
    if (shapes.size() < per_set) continue;
    check_shapes(shapes, resolved);
    shapes.clear();
  }
}

}  // namespace scatlight::nets
