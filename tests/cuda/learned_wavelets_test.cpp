// Wavelets as an argument of the GPU's kernels, run on the host, against the float64 reference engine.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "cpu/plans.h"
#include "cuda/emulation.h"
#include "support/compare.h"

namespace scatlight {
namespace {

using test::BodyOrder;
using test::Emulation;
using test::make_plan;
using test::name_of;
using test::normal_gradients;
using test::random_planes;

std::vector<ScatteringOptions> small_cases() {
  std::vector<ScatteringOptions> list = {
      {.height = 64, .width = 64, .max_order = 2},
      {.height = 33, .width = 57, .scales = 2, .max_order = 2},
      {.height = 37, .width = 41, .scales = 1, .angles = 5, .max_order = 2},
      {.height = 32, .width = 48, .scales = 5, .angles = 3, .max_order = 2},
      {.height = 24, .width = 24, .scales = 2, .angles = 1},
      {.height = 30, .width = 30, .scales = 3, .angles = 19},
      {.height = 62, .width = 94, .scales = 1, .angles = 4},  // lengths with large primes
      {.height = 2, .width = 2, .scales = 1, .max_order = 2},
      {.height = 4, .width = 4, .scales = 2, .angles = 6, .max_order = 2},
      {.height = 4, .width = 200, .scales = 2},
      {.height = 140, .width = 20, .scales = 3, .angles = 2, .max_order = 2},
      {.height = 40, .width = 40, .wavelet = Wavelet::Gabor, .normalization = Normalization::Exact},
  };
  for (auto boundary : {Boundary::Periodic, Boundary::Zero, Boundary::Padded}) {
    list.push_back(
        {.height = 40, .width = 56, .scales = 3, .angles = 4, .max_order = 2, .boundary = boundary});
  }
  for (int stride : {1, 2, 4}) {
    list.push_back({.height = 40, .width = 29, .scales = 3, .angles = 4, .max_order = 2, .stride = stride});
  }
  return list;
}

// Spectra of no shape, noise everywhere: nothing of them is negligible.
std::vector<double> random_spectra(std::size_t count) {
  std::mt19937 generator(2);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> spectra(count);
  for (auto& value : spectra) value = uniform(generator);
  return spectra;
}

// Shapes near those of the options, with fewer negligible samples and with more.
std::vector<WaveletShape> moved_shapes(const ScatteringOptions& options) {
  auto shapes = wavelet_shapes(options);
  for (std::size_t i = 0; i < shapes.size(); i += 3) {
    shapes[i].theta += 0.05;
    shapes[i].xi *= 0.97;
    shapes[i].sigma *= i % 2 == 0 ? 1.3 : 0.6;
    shapes[i].slant *= 0.9;
  }
  return shapes;
}

std::vector<double> in_float64(const std::vector<float>& values) { return {values.begin(), values.end()}; }

// The spectra of a plan's own wavelets, (J, L, padded height, padded width).
template <class T>
std::vector<double> spectra_of(const Emulation<T>& emulation) {
  std::vector<double> spectra;
  for (int scale = 0; scale < emulation.options.scales; ++scale) {
    for (int angle = 0; angle < emulation.options.angles; ++angle)
      std::ranges::copy(emulation.bank.psi(scale, angle, 0), std::back_inserter(spectra));
  }
  return spectra;
}

// dL/dtheta, dL/dxi ... of the wavelets, from the gradient of their spectra.
std::vector<double> shape_gradients_of(const ScatteringOptions& options,
                                       const std::vector<WaveletShape>& shapes,
                                       const std::vector<double>& wavelet_gradients) {
  std::vector<double> numbers;
  for (const auto& shape : shape_gradients(options, shapes, wavelet_gradients))
    numbers.insert(numbers.end(), {shape.theta, shape.xi, shape.sigma, shape.slant});
  return numbers;
}

// A wavelet's gradient is not smoothed by the wavelet, as that of the image is: samples whose modulus is near
// zero weigh more in it.
constexpr double bound_of_wavelets(float) { return 3e-5; }
constexpr double bound_of_wavelets(double) { return 1e-11; }

template <class T, class Wavelets>
void compare_wavelet_gradients(const ScatteringOptions& options, const Wavelets& wavelets,
                               const std::vector<double>& actual, const std::vector<double>& expected,
                               const std::string& name) {
  constexpr bool are_shapes = std::is_same_v<Wavelets, std::vector<WaveletShape>>;
  // Where an image is continued by zeros and the wavelets are short, x * psi is nothing but rounding there,
  // and so is its direction u / |u|. What the wavelets' numbers get from that is nothing again.
  if (!are_shapes || options.boundary != Boundary::Zero)
    test::expect_close_in_norm(std::span(actual), std::span(expected), bound_of_wavelets(T{}), name.c_str());
  if constexpr (are_shapes) {
    const auto actual_numbers = shape_gradients_of(options, wavelets, actual);
    const auto expected_numbers = shape_gradients_of(options, wavelets, expected);
    test::expect_close_in_norm(std::span(actual_numbers), std::span(expected_numbers), bound_of_wavelets(T{}),
                               (name + "' numbers").c_str());
  }
}

// One case with one set of wavelets: what the reference says of it, and both precisions.
template <class Wavelets>
void compare_with_reference(const ScatteringOptions& options, const Wavelets& wavelets, const char* which) {
  const auto name = name_of(options) + ", " + which;
  constexpr int planes = 3;
  const Emulation<double> exact = Emulation<double>(options).with(wavelets);
  const Emulation<float> rounded = Emulation<float>(options).with(wavelets);
  const auto images = random_planes<float>(options, planes);
  const auto gradients = normal_gradients<float>(exact.feature_count(planes));
  const auto exact_images = in_float64(images);
  const auto exact_gradients = in_float64(gradients);

  const auto reference = make_plan("reference", options).with_wavelets(wavelets);
  const auto maps = test::transform(reference, exact_images);
  std::vector<double> of_images(images.size());
  std::vector<double> of_wavelets(exact.wavelet_values());
  reference.backward(std::span<const double>(exact_images), std::span<const double>(exact_gradients),
                     std::span<double>(of_images), std::span<double>(of_wavelets));

  const auto maps64 = exact.forward(exact_images);
  test::expect_close(std::span(maps64), std::span(maps), {.relative = 0, .of_scale = 1e-12}, name.c_str());
  const auto maps32 = rounded.forward(images);
  test::expect_close(std::span(maps32), std::span(maps), {.relative = 1e-5, .of_scale = 1e-6}, name.c_str());

  const auto result64 = exact.backward_to_wavelets(exact_images, exact_gradients);
  test::expect_close_in_norm(std::span(result64.images), std::span(of_images), 1e-11, name.c_str());
  compare_wavelet_gradients<double>(options, wavelets, result64.wavelets, of_wavelets, name + ", wavelets");
  const auto result32 = rounded.backward_to_wavelets(images, gradients);
  test::expect_close_in_norm(std::span(result32.images), std::span(of_images), 1e-5, name.c_str());
  compare_wavelet_gradients<float>(options, wavelets, result32.wavelets, of_wavelets, name + ", wavelets");
}

TEST(LearnedWavelets, RandomSpectraEqualTheReference) {
  for (const auto& options : small_cases()) {
    const Emulation<double> emulation(options);
    compare_with_reference(options, random_spectra(emulation.wavelet_values()), "random spectra");
  }
}

TEST(LearnedWavelets, ShapesEqualTheReference) {
  for (const auto& options : small_cases()) compare_with_reference(options, moved_shapes(options), "shapes");
}

// With the fixed wavelets much of their spectra is left out as negligible, but not of the gradient.
TEST(LearnedWavelets, TheGradientOfTheFixedOnesEqualsTheReference) {
  for (const auto& options : small_cases())
    compare_with_reference(options, wavelet_shapes(options), "fixed shapes");
}

template <class T>
void expect_the_same(const ScatteringOptions& options) {
  const Emulation<T> fixed(options);
  const auto images = random_planes<T>(options, 2);
  const auto gradients = normal_gradients<T>(fixed.feature_count(2));
  const auto maps = fixed.forward(images);
  const auto of_images = fixed.backward(images, gradients);
  const auto result = fixed.backward_to_wavelets(images, gradients);
  EXPECT_EQ(result.images, of_images) << name_of(options);
  const auto of_shapes = fixed.with(wavelet_shapes(options));
  const auto of_spectra = fixed.with(spectra_of(fixed));
  for (const auto* const given : {&of_shapes, &of_spectra}) {
    EXPECT_EQ(&given->schedule.tables(), &fixed.schedule.tables());  // shared
    EXPECT_EQ(given->forward(images), maps) << name_of(options);
    EXPECT_EQ(given->backward(images, gradients), of_images) << name_of(options);
    EXPECT_EQ(given->backward_to_wavelets(images, gradients), result) << name_of(options);
  }
}

TEST(LearnedWavelets, TheFixedOnesAreTheSameGivenBitForBit) {
  const auto cases = small_cases();
  for (std::size_t i = 0; i < cases.size(); ++i)
    i % 2 == 0 ? expect_the_same<float>(cases[i]) : expect_the_same<double>(cases[i]);
}

TEST(LearnedWavelets, DoNotDependOnTheOrderOfThreads) {
  for (const auto& options : small_cases()) {
    Emulation<float> emulation(options);
    emulation = emulation.with(random_spectra(emulation.wavelet_values()));
    const auto images = random_planes<float>(options, 2);
    const auto gradients = normal_gradients<float>(emulation.feature_count(2));
    EXPECT_EQ(emulation.backward_to_wavelets(images, gradients, BodyOrder::Descending),
              emulation.backward_to_wavelets(images, gradients))
        << name_of(options);
  }
}

// Wavelets that were negligible on some rows are whole after an exchange, and the other way round: which
// kernels run follows from what is given.
TEST(LearnedWavelets, WhatIsLeftOutFollowsTheGivenOnes) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 3};
  const Emulation<float> fixed(options);
  const auto random = fixed.with(random_spectra(fixed.wavelet_values()));
  auto narrow_shapes = wavelet_shapes(options);
  for (auto& shape : narrow_shapes) shape.sigma = 4;
  const auto narrow = fixed.with(narrow_shapes);
  const auto whole = [](const Emulation<float>& of) {
    return of.schedule.filters().bands[0].scales[0].whole;
  };
  EXPECT_TRUE(whole(random));
  EXPECT_FALSE(whole(narrow));
  EXPECT_EQ(random.schedule.filters().values.size(), fixed.wavelet_values());
  EXPECT_LT(narrow.schedule.filters().values.size(), fixed.schedule.filters().values.size());
}

// Small spectra are not negligible beside nothing: maps and the gradient of the images are as small as they
// are, that of the wavelets does not depend on their size.
TEST(LearnedWavelets, OfAnyMagnitudeAreTheSameInProportion) {
  const ScatteringOptions options{.height = 24, .width = 32, .scales = 2, .angles = 3};
  const Emulation<float> fixed(options);
  const auto images = random_planes<float>(options, 2);
  auto gradients = normal_gradients<float>(fixed.feature_count(2));
  const std::size_t map = fixed.feature_count(1) / fixed.maps;
  for (std::size_t plane = 0; plane < 2; ++plane)  // nothing to order 0, which has no wavelets
    std::fill_n(gradients.begin() + plane * map * fixed.maps, map, 0.0F);
  const auto result = fixed.backward_to_wavelets(images, gradients);
  for (const double factor : {0x1p-40, 0x1p40}) {
    auto spectra = spectra_of(fixed);
    for (auto& value : spectra) value *= factor;
    const auto scaled = fixed.with(spectra).backward_to_wavelets(images, gradients);
    EXPECT_EQ(scaled.wavelets, result.wavelets) << factor;
    auto expected = result.images;
    for (auto& value : expected) value *= static_cast<float>(factor);
    EXPECT_EQ(scaled.images, expected) << factor;
  }
}

// All parts of the sources at once, or one source after the other: only the order of the sum differs.
TEST(LearnedWavelets, DoNotDependOnHowMuchIsInMemory) {
  const ScatteringOptions options{.height = 40, .width = 48, .scales = 3, .max_order = 2};
  const Emulation<double> little(options, 1);
  const Emulation<double> much(options, std::size_t{1} << 30);
  const auto images = random_planes<double>(options, 9);
  const auto gradients = normal_gradients<double>(little.feature_count(9));
  const auto one = little.backward_to_wavelets(images, gradients);
  const auto all = much.backward_to_wavelets(images, gradients);
  EXPECT_EQ(one.images, all.images);
  test::expect_close_in_norm(std::span(one.wavelets), std::span(all.wavelets), 1e-14, "all sources at once");
}

// The sum of two calls of some planes each, which a training in several steps relies on.
TEST(LearnedWavelets, GradientsOfPlanesAddUp) {
  const ScatteringOptions options{.height = 21, .width = 40, .scales = 2, .angles = 4, .max_order = 2};
  const Emulation<double> emulation(options);
  const auto images = random_planes<double>(options, 3);
  const auto gradients = normal_gradients<double>(emulation.feature_count(3));
  const auto part = [&](const std::vector<double>& values, int first, int last) {
    const std::size_t size = values.size() / 3;
    return std::vector<double>(values.begin() + first * size, values.begin() + last * size);
  };
  const auto first = emulation.backward_to_wavelets(part(images, 0, 1), part(gradients, 0, 1)).wavelets;
  const auto rest = emulation.backward_to_wavelets(part(images, 1, 3), part(gradients, 1, 3)).wavelets;
  std::vector<double> sum(first.size());
  std::ranges::transform(first, rest, sum.begin(), std::plus<>());
  const auto all = emulation.backward_to_wavelets(images, gradients).wavelets;
  test::expect_close_in_norm(std::span(sum), std::span(all), 1e-14, "planes in two calls");
}

// More planes than a launch has blocks for: spectra are in memory in two chunks of planes. They are a few
// planes again and again, whose gradients must be that many times those of a few.
TEST(LearnedWavelets, ChunksOfPlanesAddUp) {
  const ScatteringOptions options{
      .height = 2, .width = 2, .scales = 1, .angles = 1, .boundary = Boundary::Periodic};
  constexpr int few = 3;
  constexpr int times = 22'000;
  const Emulation<double> emulation(options);
  const auto images = random_planes<double>(options, few);
  const auto gradients = normal_gradients<double>(emulation.feature_count(few));
  const auto repeated = [](const std::vector<double>& values) {
    std::vector<double> many;
    many.reserve(values.size() * times);
    for (int i = 0; i < times; ++i) many.insert(many.end(), values.begin(), values.end());
    return many;
  };
  const auto bytes = [&](int planes) {
    return emulation.schedule.workspace_bytes(planes, cuda::Pass::Backward);
  };
  ASSERT_EQ(bytes(few * times), bytes(few * times / 2));
  auto expected = emulation.backward_to_wavelets(images, gradients).wavelets;
  for (auto& value : expected) value *= times;
  const auto actual = emulation.backward_to_wavelets(repeated(images), repeated(gradients)).wavelets;
  test::expect_close_in_norm(std::span(actual), std::span(expected), 1e-12, "chunks of planes");
}

TEST(LearnedWavelets, NoPlanesAndNoOrderHaveTheGradientZero) {
  const Emulation<float> emulation({.height = 24, .width = 24, .scales = 2, .angles = 3});
  EXPECT_EQ(emulation.backward_to_wavelets({}, {}).wavelets,
            std::vector<double>(emulation.wavelet_values(), 0.0));
  const ScatteringOptions options{.height = 24, .width = 24, .scales = 2, .angles = 3, .max_order = 0};
  const Emulation<float> order_zero(options);
  const auto images = random_planes<float>(options, 1);
  const auto gradients = normal_gradients<float>(order_zero.feature_count(1));
  const auto result = order_zero.backward_to_wavelets(images, gradients);
  EXPECT_EQ(result.wavelets, std::vector<double>(order_zero.wavelet_values(), 0.0));
  EXPECT_EQ(result.images, order_zero.backward(images, gradients));
}

// Their products go beyond float32.
TEST(LearnedWavelets, TakeNumbersOfAnyMagnitude) {
  const ScatteringOptions options{.height = 24, .width = 32, .scales = 2, .angles = 3, .max_order = 2};
  const Emulation<float> emulation(options);
  const auto images = random_planes<float>(options, 1);
  const auto gradients = normal_gradients<float>(emulation.feature_count(1));
  const auto expected = emulation.backward_to_wavelets(images, gradients).wavelets;
  for (const float magnitude : {0x1p-96F, 0x1p96F}) {
    const auto result =
        emulation.backward_to_wavelets(test::times(images, {magnitude}), test::times(gradients, {magnitude}));
    auto actual = result.wavelets;
    for (auto& value : actual) value /= std::pow(double{magnitude}, 2);
    test::expect_close_in_norm(std::span(actual), std::span(expected), 1e-5, "of any magnitude");
  }
}

}  // namespace
}  // namespace scatlight
