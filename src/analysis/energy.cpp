#include "analysis/energy.h"

#include <cmath>
#include <numbers>

namespace scatlight::analysis {
namespace {

/// The coarsest stride up to 2^J at which phi_J's spectrum has ended (below 1e-4) half way to the sampling
/// frequency, so that nothing aliases.
int sufficient_stride(const ScatteringOptions& options, int scales) {
  const double sigma = options.sigma * std::exp2(scales - 1);
  int stride = 1 << scales;
  while (stride > 1 && sigma * std::numbers::pi / stride < 4.3) stride /= 2;
  return stride;
}

double energy(const double* samples, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += samples[i] * samples[i];
  return sum;
}

}  // namespace

std::vector<EnergyKept> energy_kept(const ScatteringOptions& options, const std::vector<double>& image,
                                    int max_scales) {
  const double whole = energy(image.data(), image.size());
  std::vector<EnergyKept> table;
  for (int scales = 1; scales <= max_scales; ++scales) {
    auto of_scales = options;
    of_scales.scales = scales;
    of_scales.max_order = 2;
    of_scales.stride = sufficient_stride(options, scales);
    const Scattering plan(of_scales);
    const auto map = static_cast<std::size_t>(plan.output_height()) * plan.output_width();
    std::vector<double> features(plan.paths().size() * map);
    plan.forward(image, features);
    EnergyKept kept{.scales = scales};
    for (std::size_t path = 0; path < plan.paths().size(); ++path) {
      kept.order[plan.paths()[path].order] +=
          energy(&features[path * map], map) * std::pow(of_scales.stride, 2) / whole;
    }
    table.push_back(kept);
  }
  return table;
}

double coefficients_per_pixel(int scales, int angles, int max_order) {
  double maps = 1;
  if (max_order >= 1) maps += static_cast<double>(scales) * angles;
  if (max_order >= 2) maps += static_cast<double>(angles) * angles * scales * (scales - 1) / 2;
  return maps / std::exp2(2 * scales);
}

}  // namespace scatlight::analysis
