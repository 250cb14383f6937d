#include "torch/wavelets.h"

#include <ATen/ATen.h>

#include <numbers>
#include <span>

#include "core/given_wavelets.h"
#include "core/option_list.h"
#include "torch/values.h"

namespace scatlight::torch_ops {

at::Tensor first_wavelets(const ScatteringOptions& options) {
  std::vector<double> numbers;
  for (const auto& shape : wavelet_shapes(options))
    numbers.insert(numbers.end(), {shape.theta, shape.xi, shape.sigma, shape.slant});
  return at::tensor(numbers, at::kDouble).view({options.scales, options.angles, 4});
}

std::vector<WaveletShape> to_shapes(const at::Tensor& wavelets) {
  const auto on_host = wavelets.detach().to(at::kCPU).contiguous();
  std::vector<WaveletShape> shapes;
  for (auto rest = values_of<double>(on_host); !rest.empty(); rest = rest.subspan(4))
    shapes.push_back({.theta = rest[0], .xi = rest[1], .sigma = rest[2], .slant = rest[3]});
  return shapes;
}

void keep_in_range(const at::Tensor& wavelets) {
  const auto& sigma = option_of(&ScatteringOptions::sigma);
  const auto& slant = option_of(&ScatteringOptions::slant);
  const auto numbers = [&](std::int64_t index) { return wavelets.select(-1, index); };
  numbers(1).clamp_(-std::numbers::pi, std::numbers::pi);
  numbers(2).clamp_min_(sigma.lowest);
  numbers(3).clamp_(slant.lowest, slant.highest);
}

void check_range(const at::Tensor& wavelets) {
  ScatteringOptions options;
  options.scales = static_cast<int>(wavelets.size(-3));
  options.angles = static_cast<int>(wavelets.size(-2));
  const auto shapes = to_shapes(wavelets);
  const auto per_set = static_cast<std::size_t>(options.scales) * options.angles;
  for (std::size_t first = 0; first < shapes.size(); first += per_set)
    check_shapes(std::span(shapes).subspan(first, per_set), options);
}

}  // namespace scatlight::torch_ops
