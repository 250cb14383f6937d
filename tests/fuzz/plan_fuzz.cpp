// Random plans, good and bad, on random samples, good and bad: plan_fuzz SECONDS [SEED]
//
// A plan is either refused with an Error or works: finite samples give the float64 reference's numbers,
// samples that are not finite do no harm, arrays of the wrong size are refused. Built with sanitizers by
// `make fuzz`.

#include <fmt/core.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "scatlight/scattering.h"

namespace scatlight {
namespace {

class Fuzzer {
 public:
  explicit Fuzzer(std::uint64_t seed) : random_(seed) {}

  void round() {
    const auto options = random_options();
    try {
      const Scattering plan = planned_by("", options);
      ++plans_;
      compare_shapes(plan, shape_of(options));
      if (chance(0.5)) {
        execute<float>(plan, 1e-4);
      } else {
        execute<double>(plan, 1e-9);
      }
    } catch (const Error&) {
      ++refused_;
    }
  }

  std::int64_t plans() const { return plans_; }
  std::int64_t refused() const { return refused_; }

 private:
  bool chance(double probability) { return std::bernoulli_distribution(probability)(random_); }
  int between(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }
  template <class Value>
  Value one_of(std::initializer_list<Value> values) {
    return *(values.begin() + between(0, static_cast<int>(values.size()) - 1));
  }

  int side() { return chance(0.02) ? one_of({0, -1, std::numeric_limits<int>::max()}) : between(1, 90); }
  double shape(double usual) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (chance(0.8)) return usual;
    if (chance(0.9)) return usual * std::uniform_real_distribution(0.3, 3.0)(random_);
    return one_of({0.0, -1.0, 1e-300, 1e300, infinity, -infinity, std::nan("")});
  }

  ScatteringOptions random_options() {
    ScatteringOptions options{.height = side(), .width = side()};
    options.scales = between(chance(0.05) ? -1 : 1, chance(0.05) ? 20 : 5);
    options.angles = between(chance(0.05) ? -1 : 1, chance(0.05) ? 300 : 9);
    options.max_order = between(chance(0.05) ? -1 : 0, chance(0.05) ? 3 : 2);
    // Order 2 of hundreds of angles is accepted, and takes minutes and all the memory.
    if (options.angles > 20 && options.max_order == 2) options.max_order = 1;
    options.stride = chance(0.6) ? 0 : chance(0.1) ? between(-3, 40) : 1 << between(0, 5);
    options.wavelet = one_of({Wavelet::Morlet, Wavelet::Gabor});
    options.boundary = one_of({Boundary::Reflect, Boundary::Periodic, Boundary::Zero, Boundary::Padded});
    options.normalization = one_of({Normalization::Kymatio, Normalization::Exact});
    options.sigma = shape(options.sigma);
    options.center_frequency = shape(options.center_frequency);
    options.slant = chance(0.7) ? 0 : shape(0.5);
    options.threads = between(chance(0.02) ? -1 : 0, 3);
    return options;
  }

  static Scattering planned_by(const char* engine, const ScatteringOptions& options) {
    ::setenv("SCATLIGHT_ENGINE", engine, 1);
    return Scattering(options);
  }

  static void compare_shapes(const Scattering& plan, const ScatteringShape& shape) {
    if (std::ssize(plan.paths()) != shape.maps || plan.output_height() != shape.height ||
        plan.output_width() != shape.width)
      throw std::logic_error("the shape of the options is not that of their plan");
  }

  template <class T>
  std::vector<T> samples(std::size_t count, bool finite) {
    std::vector<T> values(count);
    std::uniform_real_distribution<T> uniform(-1, 1);
    for (auto& value : values) value = uniform(random_);
    if (!finite) {
      constexpr T infinity = std::numeric_limits<T>::infinity();
      for (int i = between(1, 4); i > 0; --i) {
        values[std::uniform_int_distribution<std::size_t>(0, count - 1)(random_)] =
            one_of({infinity, -infinity, std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::max(),
                    std::numeric_limits<T>::denorm_min()});
      }
    }
    return values;
  }

  template <class T>
  void execute(const Scattering& plan, double tolerance) {
    const auto& options = plan.options();
    const auto plane = static_cast<std::size_t>(options.height) * options.width;
    const auto maps = plan.paths().size() * plan.output_height() * plan.output_width();
    // Now and then as many small planes as share vectors.
    const bool many = plane < 4000 && between(0, 2) == 0;
    const auto planes = static_cast<std::size_t>(many ? between(4, 40) : between(1, 3));
    const bool finite = chance(0.7);
    const auto images = samples<T>(planes * plane, finite);
    const auto weights = samples<T>(planes * maps, finite);
    std::vector<T> features(planes * maps);
    std::vector<T> gradients(planes * plane);
    plan.forward(std::span(images), std::span(features));
    plan.backward(std::span(images), std::span(weights), std::span(gradients));
    if (finite) compare(options, images, features, weights, gradients, tolerance);
    refuses([&] { plan.forward(std::span(images).first(planes * plane - 1), std::span(features)); });
    refuses([&] { plan.forward(std::span(images), std::span(features).first(planes * maps - 1)); });
    refuses(
        [&] { plan.backward(std::span(images), std::span(weights), std::span(gradients).first(plane - 1)); });
  }

  template <class T>
  void compare(const ScatteringOptions& options, const std::vector<T>& images, const std::vector<T>& features,
               const std::vector<T>& weights, const std::vector<T>& gradients, double tolerance) {
    const auto reference = planned_by("reference", options);
    const std::vector<double> exact_images(images.begin(), images.end());
    const std::vector<double> exact_weights(weights.begin(), weights.end());
    std::vector<double> exact_features(features.size());
    std::vector<double> exact_gradients(gradients.size());
    reference.forward(std::span<const double>(exact_images), std::span(exact_features));
    reference.backward(std::span<const double>(exact_images), std::span<const double>(exact_weights),
                       std::span(exact_gradients));
    expect_close("features", features, exact_features, tolerance);
    // A gradient turns with the phase of x * psi, which rounding turns where the modulus is small.
    expect_close("gradients", gradients, exact_gradients, 100 * tolerance);
  }

  template <class T>
  static void expect_close(const char* what, const std::vector<T>& actual,
                           const std::vector<double>& expected, double tolerance) {
    double scale = 0;
    for (const double value : expected) scale = std::max(scale, std::abs(value));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (!(std::abs(actual[i] - expected[i]) <= tolerance * scale)) {
        throw std::logic_error(
            fmt::format("{} {}: {} instead of {} (largest {})", what, i, actual[i], expected[i], scale));
      }
    }
  }

  template <class Call>
  static void refuses(const Call& call) {
    try {
      call();
    } catch (const Error&) {
      return;
    }
    throw std::logic_error("an array of the wrong size was taken");
  }

  std::mt19937_64 random_;
  std::int64_t plans_ = 0;
  std::int64_t refused_ = 0;
};

int run(double seconds, std::uint64_t seed) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::int64_t plans = 0;
  std::int64_t refused = 0;
  for (; Clock::now() < end; ++seed) {
    try {
      Fuzzer fuzzer(seed);  // one for each round: a seed is all that a failure needs
      fuzzer.round();
      plans += fuzzer.plans();
      refused += fuzzer.refused();
    } catch (const std::exception& error) {
      fmt::print(stderr, "seed {}: {}\n", seed, error.what());
      return 1;
    }
  }
  fmt::print("{} plans, {} of them refused or failed in a clear way\n", plans + refused, refused);
  return plans > 0 ? 0 : 1;
}

}  // namespace
}  // namespace scatlight

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "plan_fuzz SECONDS [SEED]\n");
    return 2;
  }
  return scatlight::run(std::atof(argv[1]), argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0);
}
