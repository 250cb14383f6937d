#include "scatlight/reconstruction.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <tuple>
#include <utility>

#include "analysis/lbfgs.h"
#include "analysis/vectors.h"
#include "cpu/plane_filter.h"

namespace scatlight {
namespace {

using analysis::dot;
using Vector = std::vector<float>;

// The features to be met.
struct Target {
  std::size_t channels;
  std::size_t maps;
  std::size_t map_size;
  std::span<const float> values;  // (channels, maps, map_size)

  std::span<const float> map(std::size_t channel, std::size_t map) const {
    return values.subspan((channel * maps + map) * map_size, map_size);
  }
};

// The distance of the scattering of an image from the target, and its gradient.
class Distance {
 public:
  Distance(const Scattering& plan, const Target& target, const ReconstructionOptions& options)
      : plan_(plan),
        target_(target),
        norm_(std::sqrt(dot(target.values, target.values))),
        weights_(target.maps, 1.0F),
        difference_(target.values.size()),
        options_(options) {
    errors_.reserve(options.evaluations);
  }

  // Factors of the squares of each map's differences.
  Vector& weights() { return weights_; }

  bool stopped() const { return stopped_; }
  const std::vector<double>& errors() const { return errors_; }

  // Half the weighted sum of squares. Once stopped, it is infinite, so that no step leads there.
  double operator()(std::span<const float> image, std::span<float> gradient) {
    if (stopped_) return std::numeric_limits<double>::infinity();
    const double error = measure(image);
    double value = 0;
    for (std::size_t i = 0; i < target_.channels * target_.maps; ++i) {
      const auto map = std::span(difference_).subspan(i * target_.map_size, target_.map_size);
      const float weight = weights_[i % target_.maps];
      value += 0.5 * weight * dot(map, map);
      analysis::scale(weight, map);
    }
    plan_.backward(image, std::span<const float>(difference_), gradient);
    errors_.push_back(error);
    stopped_ = error <= options_.tolerance;
    if (options_.on_step && !options_.on_step({static_cast<int>(errors_.size()), error, image}))
      stopped_ = true;
    return value;
  }

  // ||S y - S x|| / ||S x||; of a target of zeros, ||S y||.
  double measure(std::span<const float> image) {
    plan_.forward(image, std::span(difference_));
    analysis::add_scaled(-1, target_.values, difference_);
    return std::sqrt(dot(difference_, difference_)) / (norm_ > 0 ? norm_ : 1);
  }

 private:
  const Scattering& plan_;
  const Target& target_;
  const double norm_;
  Vector weights_;
  Vector difference_;
  const ReconstructionOptions& options_;
  bool stopped_ = false;
  std::vector<double> errors_;
};

Reconstruction finish(Distance& distance, Vector image) {
  const double error = distance.measure(image);
  return {.image = std::move(image), .errors = distance.errors(), .relative_error = error};
}

void check(const Scattering& plan, std::span<const float> features, const ReconstructionOptions& options) {
  const auto of_channel =
      plan.paths().size() * plan.output_height() * static_cast<std::size_t>(plan.output_width());
  if (features.empty() || features.size() % of_channel != 0) {
    throw Error(fmt::format("features hold {} values; a channel gives {} x {} x {} = {}", features.size(),
                            plan.paths().size(), plan.output_height(), plan.output_width(), of_channel));
  }
  if (!std::ranges::all_of(features, [](float value) { return std::isfinite(value); }))
    throw Error("features have values that are not finite: no image gives them");
  if (plan.options().boundary == Boundary::Padded)
    throw Error("an image that comes with its padding cannot be reconstructed: its rim gives no output");
  if (options.evaluations < 0 || !(options.tolerance >= 0) || !(options.pixel_range > 0))
    throw Error("evaluations and tolerance may not be negative, and pixel_range must be positive");
}

// ---- the paper's solver ----

Reconstruction solve_as_paper(const Scattering& plan, const Target& target,
                              const ReconstructionOptions& options) {
  // The paper does not say where it begins: here at grey with a little noise.
  Vector image(target.channels * plan.options().height * plan.options().width);
  std::mt19937 generator(0);  // NOLINT(bugprone-random-generator-seed): the same result each time
  std::normal_distribution<float> noise(128.0F / 255, 10.0F / 255);
  const auto range = static_cast<float>(options.pixel_range);
  for (float& sample : image) sample = range * noise(generator);

  Distance distance(plan, target, options);
  Vector gradient(image.size());
  Vector mean(image.size());    // of the gradients
  Vector square(image.size());  // of their squares
  constexpr double keep_mean = 0.9;
  constexpr double keep_square = 0.999;
  constexpr int steps_of_a_rate = 200;
  for (int step = 1; step <= options.evaluations; ++step) {
    distance(image, gradient);
    if (distance.stopped()) break;
    const double rate = 10.0 / 255 * range * std::pow(0.1, (step - 1) / steps_of_a_rate);
    const auto length = static_cast<float>(rate / (1 - std::pow(keep_mean, step)));
    const auto to_root = static_cast<float>(1 / std::sqrt(1 - std::pow(keep_square, step)));
    for (std::size_t i = 0; i < image.size(); ++i) {
      mean[i] += static_cast<float>(1 - keep_mean) * (gradient[i] - mean[i]);
      square[i] += static_cast<float>(1 - keep_square) * (gradient[i] * gradient[i] - square[i]);
      image[i] -= length * mean[i] / (to_root * std::sqrt(square[i]) + 1e-8F);
    }
  }
  return finish(distance, std::move(image));
}

// ---- coarse scales first ----

// Between neighbours of the maps of order 0, how far the differences of two channels go together: divided by
// the mean of their squares, plus a little of each channel alone. (channels, channels)
std::vector<double> channel_covariance(const Target& target, std::size_t map_width) {
  const std::size_t channels = target.channels;
  std::vector<double> covariance(channels * channels);
  for (std::size_t a = 0; a < channels; ++a) {
    for (std::size_t b = 0; b < channels; ++b) {
      const auto of_a = target.map(a, 0);
      const auto of_b = target.map(b, 0);
      const auto add = [&](std::size_t i, std::size_t before) {
        covariance[a * channels + b] +=
            static_cast<double>(of_a[i] - of_a[before]) * (of_b[i] - of_b[before]);
      };
      for (std::size_t i = 0; i < of_a.size(); ++i) {
        if (i % map_width > 0) add(i, i - 1);
        if (i >= map_width) add(i, i - map_width);
      }
    }
  }
  double trace = 0;
  for (std::size_t a = 0; a < channels; ++a) trace += covariance[a * (channels + 1)];
  constexpr double alone = 0.03;
  for (double& value : covariance) value = trace > 0 ? value * channels / trace : 0;
  for (std::size_t a = 0; a < channels; ++a) covariance[a * (channels + 1)] += trace > 0 ? alone : 1;
  return covariance;
}

// The maps of order 0, whose samples stand at multiples of the stride, and between them by lines.
Vector upsample_order_0(const Target& target, const Scattering& plan) {
  const int stride = plan.options().stride;
  const int map_width = plan.output_width();
  const auto neighbours = [stride](int at, int length) {
    const int low = std::min(at / stride, length - 1);
    const auto share = static_cast<float>(at % stride) / static_cast<float>(stride);
    return std::tuple(low, std::min(low + 1, length - 1), share);
  };
  Vector image;
  for (std::size_t channel = 0; channel < target.channels; ++channel) {
    const auto map = target.map(channel, 0);
    for (int y = 0; y < plan.options().height; ++y) {
      const auto [top, bottom, down] = neighbours(y, plan.output_height());
      for (int x = 0; x < plan.options().width; ++x) {
        const auto [left, right, across] = neighbours(x, map_width);
        const float above = std::lerp(map[top * map_width + left], map[top * map_width + right], across);
        const float below =
            std::lerp(map[bottom * map_width + left], map[bottom * map_width + right], across);
        image.push_back(std::lerp(above, below, down));
      }
    }
  }
  return image;
}

// One over the root mean square of each map over all channels: coarse maps have most of the energy, and fine
// ones most of the detail.
Vector balanced_weights(const Target& target) {
  Vector roots;
  for (std::size_t map = 0; map < target.maps; ++map) {
    double square = 0;
    for (std::size_t channel = 0; channel < target.channels; ++channel) {
      const auto values = target.map(channel, map);
      square += dot(values, values);
    }
    roots.push_back(static_cast<float>(std::sqrt(square)));
  }
  const float least = 1e-4F * std::ranges::max(roots);
  for (float& root : roots) root = 1 / std::max(root, least);
  return roots;
}

Reconstruction solve_coarse_to_fine(const Scattering& plan, const Target& target,
                                    const ReconstructionOptions& options) {
  const int height = plan.options().height;
  const int width = plan.options().width;
  const std::size_t plane = static_cast<std::size_t>(height) * width;
  const Vector weights = balanced_weights(target);

  // The inverse of the second derivative is taken to be like the spectrum of images: channels go together as
  // they do in the maps of order 0, and amplitudes fall with the frequency. While the finest scales are left
  // out, so are the frequencies that only they see.
  const auto covariance = channel_covariance(target, plan.output_width());
  cpu::PlaneFilters filters(height, width);
  cpu::PlaneFilters::Filter filter;
  const auto filter_for = [&](int finest) {
    return filters.make([finest](double frequency) {
      constexpr double lowest = 0.03;
      const double fall = 1 / std::hypot(frequency, lowest);
      const double cut = 0.4 * std::exp2(-finest);
      return finest == 0 ? fall : fall * std::exp(-0.5 * std::pow(frequency / cut, 2));
    });
  };
  Vector mixed(target.channels * plane);
  const auto precondition = [&](std::span<float> vector) {
    for (std::size_t a = 0; a < target.channels; ++a) {
      const auto to = std::span(mixed).subspan(a * plane, plane);
      std::ranges::fill(to, 0.0F);
      for (std::size_t b = 0; b < target.channels; ++b)
        analysis::add_scaled(covariance[a * target.channels + b], vector.subspan(b * plane, plane), to);
      filters.apply(filter, to);
    }
    std::ranges::copy(mixed, vector.begin());
  };

  Distance distance(plan, target, options);
  analysis::Lbfgs solver(target.channels * plane, std::ref(distance), precondition);
  std::ranges::copy(upsample_order_0(target, plan), solver.point().begin());
  for (int finest = plan.options().scales - 1; finest >= 0 && !distance.stopped(); --finest) {
    for (std::size_t map = 0; map < target.maps; ++map) {
      const auto& path = plan.paths()[map];
      distance.weights()[map] = path.order == 0 || path.scale1 >= finest ? weights[map] : 0;
    }
    filter = filter_for(finest);
    solver.run((options.evaluations - static_cast<int>(distance.errors().size())) / (finest + 1));
  }
  return finish(distance, Vector(solver.point().begin(), solver.point().end()));
}

}  // namespace

int default_evaluations(Solver solver) { return solver == Solver::Paper ? 1000 : 300; }

Reconstruction reconstruct(const Scattering& plan, std::span<const float> features,
                           const ReconstructionOptions& given) {
  check(plan, features, given);
  auto options = given;
  const bool as_paper = options.solver == Solver::Paper;
  if (options.evaluations == 0) options.evaluations = default_evaluations(options.solver);
  if (options.tolerance == 0) options.tolerance = as_paper ? 2e-3 : 1e-5;
  const auto map_size = static_cast<std::size_t>(plan.output_height()) * plan.output_width();
  const Target target{.channels = features.size() / (plan.paths().size() * map_size),
                      .maps = plan.paths().size(),
                      .map_size = map_size,
                      .values = features};
  if (std::ranges::all_of(features, [](float value) { return value == 0; })) {
    const auto plane = static_cast<std::size_t>(plan.options().height) * plan.options().width;
    return {.image = Vector(target.channels * plane)};
  }
  return as_paper ? solve_as_paper(plan, target, options) : solve_coarse_to_fine(plan, target, options);
}

}  // namespace scatlight
