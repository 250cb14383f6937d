// The kernels of the GPU, run on the host, against the float64 reference engine.

#include <gtest/gtest.h>

#include <cstring>

#include "core/low_pass_kernel.h"
#include "cpu/plans.h"
#include "cuda/emulation.h"
#include "support/compare.h"

namespace scatlight {
namespace {

using cuda::FeatureView;
using cuda::Pass;
using test::BodyOrder;
using test::Emulation;
using test::make_plan;
using test::name_of;
using test::normal_gradients;
using test::planes_for;
using test::random_planes;
using test::transform;

std::vector<ScatteringOptions> all_cases() {
  auto list = test::cases();
  list.push_back({.height = 224, .width = 224, .scales = 3, .angles = 2});
  list.push_back({.height = 32, .width = 32, .scales = 2, .max_order = 2});
  list.push_back({.height = 150, .width = 410, .scales = 1, .angles = 2});
  return list;
}

// The reference takes longer than the kernels: both precisions are compared with one result of it.
TEST(CudaKernels, EqualTheReference) {
  for (const auto& options : all_cases()) {
    const auto images = random_planes<float>(options, planes_for(options, 3));
    const std::vector<double> exact(images.begin(), images.end());
    const auto expected = transform(make_plan("reference", options), exact);
    const auto in_float64 = Emulation<double>(options).forward(exact);
    test::expect_close(std::span(in_float64), std::span(expected), {.relative = 0, .of_scale = 1e-12},
                       name_of(options).c_str());
    const auto in_float32 = Emulation<float>(options).forward(images);
    test::expect_close(std::span(in_float32), std::span(expected), {.relative = 1e-5, .of_scale = 1e-6},
                       name_of(options).c_str());
  }
}

TEST(CudaKernels, GradientsEqualTheReference) {
  for (const auto& options : all_cases()) {
    const Emulation<double> emulation(options);
    const int planes = planes_for(options, 3);
    const auto images = random_planes<float>(options, planes);
    const auto gradients = normal_gradients<float>(emulation.feature_count(planes));
    const std::vector<double> exact_images(images.begin(), images.end());
    const std::vector<double> exact_gradients(gradients.begin(), gradients.end());
    std::vector<double> expected(images.size());
    make_plan("reference", options)
        .backward(std::span<const double>(exact_images), std::span<const double>(exact_gradients),
                  std::span<double>(expected));
    const auto in_float64 = emulation.backward(exact_images, exact_gradients);
    test::expect_close_in_norm(std::span(in_float64), std::span(expected), 1e-11, name_of(options).c_str());
    const auto in_float32 = Emulation<float>(options).backward(images, gradients);
    test::expect_close_in_norm(std::span(in_float32), std::span(expected), 1e-5, name_of(options).c_str());
  }
}

// What a body of a phase reads, no other body of it writes.
TEST(CudaKernels, DoNotDependOnTheOrderOfThreads) {
  for (const auto& options : all_cases()) {
    const Emulation<float> emulation(options);
    const int planes = planes_for(options, 2);
    const auto images = random_planes<float>(options, planes);
    EXPECT_EQ(emulation.forward(images, BodyOrder::Descending), emulation.forward(images))
        << name_of(options);
    const auto gradients = normal_gradients<float>(emulation.feature_count(planes));
    EXPECT_EQ(emulation.backward(images, gradients, BodyOrder::Descending),
              emulation.backward(images, gradients))
        << name_of(options);
  }
}

TEST(CudaKernels, DoNotDependOnHowMuchIsInMemory) {
  const ScatteringOptions options{.height = 40, .width = 48, .scales = 3, .max_order = 2};
  const auto images = random_planes<float>(options, 5);
  const Emulation<float> little(options, 1);
  const Emulation<float> much(options, std::size_t{1} << 30);
  EXPECT_EQ(little.forward(images), much.forward(images));
  const auto gradients = normal_gradients<float>(little.feature_count(5));
  EXPECT_EQ(little.backward(images, gradients), much.backward(images, gradients));
}

TEST(CudaKernels, NonFiniteSamplesStayInTheirPlane) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 6, .max_order = 2};
  const Emulation<float> emulation(options);
  auto images = random_planes<float>(options, 3);
  const auto clean = emulation.forward(images);
  const std::size_t maps = clean.size() / 3;
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    images[32 * 32 + 100] = bad;  // in plane 1
    const auto features = emulation.forward(images);
    for (std::size_t i = 0; i < maps; ++i) {
      ASSERT_EQ(features[i], clean[i]);
      ASSERT_EQ(features[2 * maps + i], clean[2 * maps + i]);
    }
    for (std::size_t i = maps / emulation.maps; i < maps; ++i)
      ASSERT_FALSE(std::isfinite(features[maps + i]));
  }
}

// An image of zeros has moduli of zero everywhere: their gradient is zero, not NaN.
TEST(CudaKernels, ZeroModulusHasTheGradientZero) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .max_order = 2};
  const Emulation<float> emulation(options);
  const std::vector<float> image(32 * 32, 0.0F);
  auto gradients = normal_gradients<float>(emulation.feature_count(1));
  const std::size_t map = std::size_t{8} * 8;
  std::fill(gradients.begin(), gradients.begin() + map, 0.0F);  // of order 0
  EXPECT_EQ(emulation.backward(image, gradients), image);
}

template <class T>
void compare_magnitudes(const std::vector<T>& magnitudes, const test::Bound& of_maps, double of_gradients) {
  const ScatteringOptions options{.height = 32, .width = 40, .scales = 2, .angles = 3, .max_order = 2};
  const Emulation<T> emulation(options);
  const auto reference = make_plan("reference", options);
  const auto image = random_planes<T>(options, 1);
  const auto gradient = normal_gradients<T>(emulation.feature_count(1));
  const std::vector<double> exact_image(image.begin(), image.end());
  const std::vector<double> exact_gradient(gradient.begin(), gradient.end());
  const auto expected_maps = transform(reference, exact_image);
  const auto expected_gradient = test::differentiate(reference, exact_image, exact_gradient);
  for (const T magnitude : magnitudes) {
    const auto name = fmt::format("samples up to {}", magnitude);
    const auto planes = test::times(image, {magnitude});
    const auto divided = [&](const std::vector<T>& values, double by) {
      std::vector<double> result(values.begin(), values.end());
      for (auto& value : result) value /= by;
      return result;
    };
    const auto maps = divided(emulation.forward(planes), magnitude);
    test::expect_close(std::span(maps), std::span(expected_maps), of_maps, name.c_str());
    for (const T of_gradient : magnitudes) {
      const auto actual =
          divided(emulation.backward(planes, test::times(gradient, {of_gradient})), of_gradient);
      test::expect_close_in_norm(std::span(actual), std::span(expected_gradient), of_gradients, name.c_str());
    }
  }
}

TEST(CudaKernels, TakeNumbersOfAnyMagnitude) {
  compare_magnitudes<float>({1e-30F, 1e-22F, 1e-20F, 1e20F, 1e30F}, {.relative = 1e-5, .of_scale = 1e-6},
                            1e-5);
  compare_magnitudes<double>({1e-250, 1e-170, 1e170, 1e250}, {.relative = 0, .of_scale = 1e-12}, 1e-11);
}

template <class F>
void compare_halves(double relative) {
  const ScatteringOptions options{.height = 40, .width = 32, .scales = 2};
  const Emulation<float> emulation(options);
  const auto images = random_planes<float>(options, 6);  // 2 images of 3 channels
  const auto expected = emulation.forward(images);
  const int rows = emulation.geometry.rows.output;
  const int columns = emulation.geometry.columns.output;
  const auto maps = static_cast<std::int64_t>(emulation.maps);
  std::vector<F> features(expected.size());
  // (image, row, column, channel, map)
  const FeatureView<F> view{features.data(),    3,       rows * columns * 3 * maps, maps, 1,
                            columns * 3 * maps, 3 * maps};
  auto workspace = emulation.make_workspace(6, Pass::Forward);
  test::HostQueue queue;
  emulation.schedule.forward(queue, emulation.constants(), images.data(), 6, view, workspace.data());
  std::vector<float> actual;
  actual.reserve(expected.size());
  for (int plane = 0; plane < 6; ++plane) {
    for (int map = 0; map < maps; ++map) {
      for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
          const std::size_t at =
              ((static_cast<std::size_t>(plane / 3) * rows + row) * columns + column) * 3 * maps +
              plane % 3 * maps + map;
          actual.push_back(cuda::to_real(features[at]));
        }
      }
    }
  }
  test::expect_close(std::span(actual), std::span(expected), {.relative = relative, .of_scale = 1e-7},
                     "halves");
}

TEST(CudaKernels, WriteChannelsLastInSixteenBits) {
  compare_halves<cuda::BFloat16>(1.0 / 256);
  compare_halves<cuda::Float16>(1.0 / 2048);
}

TEST(Float16, HoldsEveryNumberOfItsOwn) {
  for (int bits = 0; bits < 1 << 16; ++bits) {
    const cuda::Float16 value{static_cast<std::uint16_t>(bits)};
    const float real = cuda::to_real(value);
    const auto back = cuda::Convert<cuda::Float16>::from(real);
    if (std::isnan(real)) {
      ASSERT_TRUE(std::isnan(cuda::to_real(back)));
    } else {
      ASSERT_EQ(back.bits, bits);
    }
  }
}

TEST(Float16, RoundsToTheNearestAndTiesToEven) {
  const auto rounded = [](float value) { return cuda::to_real(cuda::Convert<cuda::Float16>::from(value)); };
  EXPECT_EQ(rounded(1 + 0x1p-11F), 1);                // halfway to 1 + 2^-10
  EXPECT_EQ(rounded(1 + 3 * 0x1p-11F), 1 + 0x1p-9F);  // halfway between odd and even
  EXPECT_EQ(rounded(1 + 0x1.1p-11F), 1 + 0x1p-10F);
  EXPECT_EQ(rounded(-0x1.8p-25F), -0x1p-24F);
  EXPECT_EQ(rounded(0x1p-25F), 0);
  EXPECT_EQ(rounded(65519), 65504);
  EXPECT_EQ(rounded(65520), std::numeric_limits<float>::infinity());
  EXPECT_EQ(rounded(-1e30F), -std::numeric_limits<float>::infinity());
  const auto brief = [](float value) { return cuda::to_real(cuda::Convert<cuda::BFloat16>::from(value)); };
  EXPECT_EQ(brief(1 + 0x1p-8F), 1);
  EXPECT_EQ(brief(1 + 3 * 0x1p-8F), 1 + 0x1p-6F);
  EXPECT_TRUE(std::isnan(brief(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_EQ(brief(std::numeric_limits<float>::infinity()), std::numeric_limits<float>::infinity());
}

template <int R>
void compare_dft() {
  cuda::Complex<double> x[R];
  std::mt19937 generator(R);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (auto& value : x) value = {uniform(generator), uniform(generator)};
  std::vector<double> expected;
  for (int k = 0; k < R; ++k) {
    cuda::Complex<double> sum = {0, 0};
    for (int n = 0; n < R; ++n) {
      const auto root = root_of_unity(n * k, R);
      sum += cuda::Complex<double>{root.re, root.im} * x[n];
    }
    expected.insert(expected.end(), {sum.re, sum.im});
  }
  cuda::dft<R>(x);
  std::vector<double> actual;
  for (const auto& value : x) actual.insert(actual.end(), {value.re, value.im});
  test::expect_close(std::span(actual), std::span(expected), {.relative = 0, .of_scale = 1e-14},
                     fmt::format("{} points", R).c_str());
}

TEST(CudaDft, EqualsItsDefinition) {
  cuda::unroll<20>([](auto r) { compare_dft<r() + 1>(); });
}

// Numbers of float32 come from kernels for these lengths, and from general ones.
TEST(CudaFft, KernelsOfOneLengthEqualGeneralOnes) {
  for (int length : {20, 40, 60, 80, 120, 240}) {
    const ScatteringOptions options{
        .height = length, .width = length, .scales = 1, .angles = 2, .boundary = Boundary::Padded};
    const auto images = random_planes<float>(options, 2);
    const auto general = Emulation<double>(options).forward({images.begin(), images.end()});
    const auto own = Emulation<float>(options).forward(images);
    test::expect_close(std::span(own), std::span(general), {.relative = 1e-5, .of_scale = 1e-6},
                       name_of(options).c_str());
  }
}

}  // namespace
}  // namespace scatlight
