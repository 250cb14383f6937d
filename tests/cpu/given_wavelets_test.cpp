// Wavelets as an argument: the transform by them, and the gradient with respect to them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "cpu/plans.h"
#include "support/compare.h"
#include "support/expect_error.h"

namespace scatlight {
namespace {

using test::make_plan;
using test::name_of;
using test::random_gradients;
using test::random_planes;
using test::transform;

std::size_t spectra_size(const ScatteringOptions& options) {
  const auto shape = shape_of(options);
  return static_cast<std::size_t>(options.scales) * options.angles * shape.padded_height * shape.padded_width;
}

// Spectra of no shape: noise everywhere.
std::vector<double> random_spectra(const ScatteringOptions& options, unsigned seed = 2) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> spectra(spectra_size(options));
  for (auto& value : spectra) value = uniform(generator);
  return spectra;
}

// Shapes near those of the options: mirror images no more, but for some.
std::vector<WaveletShape> moved_shapes(const ScatteringOptions& options) {
  auto shapes = wavelet_shapes(options);
  for (std::size_t i = 0; i < shapes.size(); i += 3) {
    shapes[i].theta += 0.05;
    shapes[i].xi *= 0.97;
    shapes[i].sigma *= 1.1;
    shapes[i].slant *= 0.9;
  }
  return shapes;
}

template <class T>
struct Gradients {
  std::vector<T> images;
  std::vector<double> wavelets;
  friend bool operator==(const Gradients&, const Gradients&) = default;
};

template <class T>
Gradients<T> differentiate(const Scattering& plan, const std::vector<T>& images,
                           const std::vector<T>& feature_gradients) {
  Gradients<T> gradients{
      std::vector<T>(images.size(), std::numeric_limits<T>::quiet_NaN()),
      std::vector<double>(spectra_size(plan.options()), std::numeric_limits<double>::quiet_NaN())};
  plan.backward(std::span<const T>(images), std::span<const T>(feature_gradients),
                std::span<T>(gradients.images), std::span<double>(gradients.wavelets));
  return gradients;
}

std::vector<ScatteringOptions> small_cases() {
  return {
      {.height = 24, .width = 24, .scales = 2, .angles = 3, .max_order = 2},
      {.height = 17, .width = 22, .scales = 3, .angles = 2, .max_order = 2, .boundary = Boundary::Zero},
      {.height = 29, .width = 16, .scales = 2, .angles = 3, .stride = 1, .boundary = Boundary::Periodic},
      {.height = 32,
       .width = 24,
       .scales = 2,
       .angles = 3,
       .max_order = 2,
       .stride = 2,
       .boundary = Boundary::Padded},
      {.height = 21, .width = 19, .scales = 1, .angles = 4, .wavelet = Wavelet::Gabor},
      {.height = 4, .width = 4, .scales = 2, .angles = 6, .max_order = 2},
  };
}

std::vector<ScatteringOptions> cases() {
  auto list = small_cases();
  list.push_back({.height = 40, .width = 29, .scales = 3, .angles = 2, .max_order = 2, .stride = 4});
  list.push_back({.height = 72, .width = 88, .scales = 3, .angles = 4});
  list.push_back({.height = 88, .width = 72, .scales = 3, .angles = 2, .max_order = 2});
  list.push_back({.height = 96, .width = 128, .scales = 3, .angles = 2});   // by a vector-radix plan
  list.push_back({.height = 110, .width = 118, .scales = 2, .angles = 1});  // on a longer tile
  list.push_back({.height = 96, .width = 96, .scales = 3, .angles = 1, .stride = 1});
  list.push_back({.height = 331, .width = 331, .scales = 2, .angles = 1});  // on tiles
  return list;
}

int planes_of(const ScatteringOptions& options) {
  return options.height * options.width > 7000 ? 1 : test::are_small(options) ? test::many_planes : 3;
}

class GivenWavelets : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(, GivenWavelets, testing::Range(std::size_t{0}, cases().size()));

// L = <gradients, S x> as a function of the spectra: along a random direction.
TEST(ReferenceWaveletGradient, EqualsFiniteDifferences) {
  for (const auto& options : small_cases()) {
    const auto plan = make_plan("reference", options);
    const auto images = random_planes<double>(options, 2);
    const auto of_features = random_gradients<double>(plan, 2);
    const auto spectra = random_spectra(options);
    const auto direction = random_spectra(options, 7);
    const auto loss = [&](double step) {
      auto moved = spectra;
      for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += step * direction[i];
      const auto features = transform(plan.with_wavelets(moved), images);
      return std::inner_product(features.begin(), features.end(), of_features.begin(), 0.0);
    };
    constexpr double step = 1e-6;
    const double slope = (loss(step) - loss(-step)) / (2 * step);
    const auto gradient = differentiate(plan.with_wavelets(spectra), images, of_features).wavelets;
    const double expected = std::inner_product(gradient.begin(), gradient.end(), direction.begin(), 0.0);
    double scale = 0;  // of the terms of the sum
    for (std::size_t i = 0; i < gradient.size(); ++i) scale += std::pow(gradient[i] * direction[i], 2);
    EXPECT_NEAR(slope, expected, 1e-6 * std::sqrt(scale) + 1e-9) << name_of(options);
  }
}

template <class T>
std::vector<T> converted(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

// What the reference makes of some planes.
struct Expected {
  std::vector<double> images;
  std::vector<double> of_features;
  std::vector<double> maps;
  Gradients<double> gradients;
};

Expected expected_of(const Scattering& reference, int planes) {
  const auto samples = random_planes<float>(reference.options(), planes);
  const std::vector<double> images(samples.begin(), samples.end());
  const auto of_features = random_gradients<double>(reference, planes);
  return {images, of_features, transform(reference, images), differentiate(reference, images, of_features)};
}

// Gradients by their norm: that of a modulus jumps where it is zero.
template <class T>
void expect_reference(const Scattering& plan, const Expected& expected, double of_maps, double of_gradients) {
  const auto name = name_of(plan);
  const auto images = converted<T>(expected.images);
  const auto maps = transform(plan, images);
  test::expect_close(std::span(maps), std::span(expected.maps), {.relative = 0, .of_scale = of_maps},
                     name.c_str());
  const auto gradients = differentiate(plan, images, converted<T>(expected.of_features));
  test::expect_close_in_norm(std::span(gradients.images), std::span(expected.gradients.images), of_gradients,
                             name.c_str());
  test::expect_close_in_norm(std::span(gradients.wavelets), std::span(expected.gradients.wavelets),
                             of_gradients, name.c_str());
}

// Of noise, which is not negligible anywhere, of the fixed ones and of others with few mirror images.
TEST_P(GivenWavelets, EqualThoseOfTheReference) {
  const auto options = cases()[GetParam()];
  const auto spectra = random_spectra(options);
  const auto shapes = moved_shapes(options);
  const std::function<Scattering(const Scattering&)> kinds[] = {
      [&](const auto& fixed) { return fixed.with_wavelets(spectra); },
      [&](const auto& fixed) { return fixed; },
      [&](const auto& fixed) { return fixed.with_wavelets(shapes); },
  };
  const auto reference = make_plan("reference", options);
  for (const auto& kind : kinds) {
    for (const int planes : {1, planes_of(options)}) {
      const auto expected = expected_of(kind(reference), planes);
      for (const auto& engine : test::fast_engines()) {
        const auto plan = kind(make_plan(engine, options));
        expect_reference<double>(plan, expected, 1e-12, 1e-9);
        expect_reference<float>(plan, expected, 2e-6, 1e-4);
      }
      if (planes_of(options) == 1) break;
    }
    // Far from an image that is continued by zero, nothing but rounding is left of its convolution with a
    // wavelet of a shape, and the phase of that is any.
    if (options.boundary == Boundary::Zero) break;
  }
}

class EveryEngineWithWavelets : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(, EveryEngineWithWavelets, testing::ValuesIn(test::engines()),
                         [](const auto& info) { return info.param; });

template <class T>
void expect_fixed_maps(const Scattering& fixed, const ScatteringOptions& options) {
  const auto images = random_planes<T>(options, planes_of(options));
  const auto expected = transform(fixed, images);
  auto shapes = wavelet_shapes(options);
  EXPECT_EQ(transform(fixed.with_wavelets(shapes), images), expected) << name_of(fixed);

  // What another wavelet does not touch stays as it is, though filters have been made again: in order 2,
  // whose fixed wavelets have no tiles, nor one that is longer than the plane.
  if (options.max_order < 2) return;
  const auto fixed_shapes = shapes;
  shapes.back().sigma *= 1.5;
  const auto others = fixed.with_wavelets(shapes);
  const auto maps = transform(others, images);
  const auto paths = fixed.paths();
  const std::size_t map = expected.size() / paths.size() / planes_of(options);
  int touched = 0;
  for (std::size_t i = 0; i < maps.size(); i += map) {
    const auto& path = paths[i / map % paths.size()];
    const bool has_last = (path.scale1 == options.scales - 1 && path.angle1 == options.angles - 1) ||
                          (path.scale2 == options.scales - 1 && path.angle2 == options.angles - 1);
    touched += has_last;
    EXPECT_EQ(std::equal(maps.begin() + i, maps.begin() + i + map, expected.begin() + i), !has_last)
        << name_of(fixed) << ", map " << i / map;
  }
  EXPECT_GT(touched, 0);
  // And back.
  EXPECT_EQ(transform(others.with_wavelets(fixed_shapes), images), expected) << name_of(fixed);
}

TEST_P(EveryEngineWithWavelets, EqualTheFixedTransformWhereTheyAreTheSame) {
  for (const auto& options : GetParam() == "reference" ? small_cases() : cases()) {
    const auto fixed = make_plan(GetParam(), options);
    expect_fixed_maps<float>(fixed, options);
    expect_fixed_maps<double>(fixed, options);
  }
}

TEST_P(EveryEngineWithWavelets, GradientsDoNotDependOnThreads) {
  for (auto options : {ScatteringOptions{.height = 40, .width = 33, .scales = 2, .angles = 3, .max_order = 2},
                       ScatteringOptions{.height = 104, .width = 96, .scales = 2, .angles = 5},
                       ScatteringOptions{.height = 331, .width = 331, .scales = 2, .angles = 1}}) {
    const bool is_reference = GetParam() == "reference";  // which adds plane by plane
    if (is_reference && options.height > 50) break;
    for (const int planes : {2, is_reference           ? 3
                                : options.height < 50  ? 150
                                : options.height < 300 ? 35
                                                       : 4}) {
      options.threads = 1;
      const auto one = make_plan(GetParam(), options);
      const auto images = random_planes<float>(options, planes);
      const auto of_features = random_gradients<float>(one, planes);
      const auto expected = differentiate(one, images, of_features);
      for (const int threads : {2, 3}) {
        options.threads = threads;
        EXPECT_EQ(differentiate(make_plan(GetParam(), options), images, of_features), expected)
            << name_of(options) << ", " << planes << " planes, " << threads << " threads";
      }
    }
  }
}

TEST_P(EveryEngineWithWavelets, GiveImagesTheGradientsOfTheOtherCall) {
  const ScatteringOptions options{.height = 40, .width = 33, .scales = 2, .angles = 3, .max_order = 2};
  const auto plan = make_plan(GetParam(), options);
  const auto images = random_planes<float>(options, 20);
  const auto of_features = random_gradients<float>(plan, 20);
  const auto actual = differentiate(plan, images, of_features).images;
  const auto expected = test::differentiate(plan, images, of_features);
  test::expect_close(std::span(actual), std::span(expected), {.relative = 0, .of_scale = 1e-6},
                     name_of(plan).c_str());
}

// Planes times a, their gradients times b: a plane's part of the gradient of wavelets is times a b.
TEST_P(EveryEngineWithWavelets, TakePlanesOutOfRange) {
  const ScatteringOptions options{.height = 40, .width = 33, .scales = 2, .angles = 3, .max_order = 2};
  const auto plan = make_plan(GetParam(), options);
  const auto image = random_planes<float>(options, 1);
  const auto of_features = random_gradients<float>(plan, 1);
  const auto one = differentiate(plan, image, of_features);
  const auto both = differentiate(plan, test::times(image, {0x1p80F, 0x1p-60F}),
                                  test::times(of_features, {0x1p-81F, 0x1p58F}));
  std::vector<double> expected;
  for (const double value : one.wavelets) expected.push_back(value * 0.75);
  test::expect_close_in_norm(std::span(both.wavelets), std::span<const double>(expected), 1e-4,
                             name_of(plan).c_str());
}

TEST_P(EveryEngineWithWavelets, AreRefusedIfTheyDoNotFit) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 4};
  const auto plan = make_plan(GetParam(), options);
  auto spectra = random_spectra(options);
  test::expect_error(
      [&] { plan.with_wavelets(std::span<const double>(spectra).first(100)); },
      "spectra hold 100 values; they must be J x L x padded_height x padded_width = 2 x 4 x 40 x "
      "40 = 12800");
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    spectra[40 * 40 * 6 + 7] = bad;
    test::expect_error([&] { plan.with_wavelets(spectra); },
                       "the spectrum of the wavelet of scale 1 and angle 2 has the value");
  }
  const auto images = random_planes<float>(options, 1);
  const auto of_features = random_gradients<float>(plan, 1);
  std::vector<float> of_images(images.size());
  std::vector<double> of_wavelets(100);
  test::expect_error(
      [&] {
        plan.backward(std::span<const float>(images), std::span<const float>(of_features),
                      std::span<float>(of_images), std::span<double>(of_wavelets));
      },
      "wavelet_gradients hold 100 values");
}

// The filters of a tile would fit.
TEST(GivenWaveletsOfLargePlanes, AreRefusedBeyondTheMemoryLimit) {
  const ScatteringOptions options{.height = 800, .width = 800, .memory_limit = 10'000'000};
  const Scattering plan(options);
  test::expect_error([&] { plan.with_wavelets(moved_shapes(options)); }, "memory_limit is 10.0 MB");
  EXPECT_NO_THROW(plan.with_wavelets(wavelet_shapes(options)));
}

TEST_P(EveryEngineWithWavelets, NoPlanesGiveNoGradient) {
  const auto plan = make_plan(GetParam(), {.height = 32, .width = 32, .scales = 2, .angles = 4});
  for (const double value : differentiate<float>(plan, {}, {}).wavelets) ASSERT_EQ(value, 0);
}

TEST_P(EveryEngineWithWavelets, HaveNoGradientInOrderZero) {
  const ScatteringOptions options{.height = 32, .width = 24, .scales = 2, .max_order = 0};
  const auto plan = make_plan(GetParam(), options);
  const auto images = random_planes<float>(options, 9);
  const auto gradients = differentiate(plan, images, random_gradients<float>(plan, 9));
  for (const double value : gradients.wavelets) ASSERT_EQ(value, 0);
  EXPECT_EQ(gradients.images, test::differentiate(plan, images, random_gradients<float>(plan, 9)));
}

}  // namespace
}  // namespace scatlight
