// The GPU engine on a GPU, against the reference engine. What needs no GPU is tested in kernels_test.cpp.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <memory>
#include <thread>

#include "cpu/plans.h"
#include "scatlight/cuda.h"
#include "support/compare.h"
#include "support/expect_error.h"

#ifdef SCATLIGHT_WITH_CUDA
#include "cuda/on_gpu.h"
#endif

namespace scatlight {
namespace {

TEST(Device, OneThatIsNotThereIsAnError) {
  const ScatteringOptions options{.height = 32, .width = 32};
  const auto* const text = built_with_cuda() ? "there is no CUDA device" : "no CUDA engine";
  test::expect_error([&] { CudaScattering<float>(options, cuda_device_count()); }, text);
  test::expect_error([&] { CudaScattering<double>(options, -1); }, text);
}

TEST(Device, OptionsAreCheckedFirst) {
  test::expect_error([] { CudaScattering<float>({.height = 4, .width = 32}); }, "height is 4");
}

#ifdef SCATLIGHT_WITH_CUDA

using cuda::check;
using cuda::DeviceArray;
using cuda::Stream;
using test::backward_bound;
using test::Call;
using test::forward_bound;
using test::forward_on_gpu;
using test::nan_array;

using OnGpu = test::OnGpuTest;

std::size_t feature_count(const Scattering& plan, int planes) {
  return planes * plan.paths().size() * plan.output_height() * plan.output_width();
}

template <class T>
void compare_with_reference(const ScatteringOptions& options) {
  constexpr int planes = 3;
  const auto name = test::name_of(options);
  const auto reference = test::make_plan("reference", options);
  const auto images = test::random_planes<T>(options, planes);
  const std::vector<double> exact(images.begin(), images.end());
  const auto expected = test::transform(reference, exact);
  Call<T> call(CudaScattering<T>(options), images, expected.size());
  call.forward();
  call.stream.wait();
  const auto features = call.maps.read();
  test::expect_close(std::span(features), std::span(expected), forward_bound(T{}), name.c_str());

  std::mt19937 generator(1);
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::vector<T> weights(features.size());
  for (auto& weight : weights) weight = uniform(generator);
  const std::vector<double> exact_weights(weights.begin(), weights.end());
  std::vector<double> expected_gradients(images.size());
  reference.backward(std::span<const double>(exact), std::span<const double>(exact_weights),
                     std::span<double>(expected_gradients));
  call.maps.write(weights);
  call.backward();
  call.stream.wait();
  const auto gradients = call.gradients.read();
  test::expect_close_in_norm(std::span(gradients), std::span(expected_gradients), backward_bound(T{}),
                             (name + ", gradient").c_str());
}

TEST_F(OnGpu, Float32EqualsTheReference) {
  for (const auto& options : test::cases()) compare_with_reference<float>(options);
}

TEST_F(OnGpu, Float64EqualsTheReference) {
  for (const auto& options : test::cases()) compare_with_reference<double>(options);
}

TEST_F(OnGpu, ManyPlanesEqualEachAlone) {
  const ScatteringOptions options{.height = 224, .width = 224, .max_order = 2};
  const CudaScattering<float> plan(options);
  constexpr int planes = 70;  // more than are in memory at once
  const auto images = test::random_planes<float>(options, planes);
  const auto one = plan.paths().size() * plan.output_height() * plan.output_width();
  const auto all = forward_on_gpu(plan, images, planes * one);
  const std::size_t size = 224 * 224;
  for (const int plane : {0, 31, 69}) {
    const std::vector<float> alone(images.begin() + plane * size, images.begin() + (plane + 1) * size);
    const auto features = forward_on_gpu(plan, alone, one);
    EXPECT_TRUE(std::equal(features.begin(), features.end(), all.begin() + plane * one)) << plane;
  }
}

float to_float(std::uint16_t bits, FeatureType type) {
  if (type == FeatureType::BFloat16) return std::bit_cast<float>(std::uint32_t{bits} << 16);
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  const double size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return static_cast<float>(bits >> 15 ? -size : size);
}

TEST_F(OnGpu, FormatsAreTheSameNumbersInAnotherForm) {
  const ScatteringOptions options{.height = 40, .width = 56, .max_order = 2};
  constexpr int images_count = 2;
  constexpr int channels = 3;
  const CudaScattering<float> plan(options);
  const auto images = test::random_planes<float>(options, images_count * channels);
  const std::size_t map = plan.output_height() * plan.output_width();
  const std::size_t maps = channels * plan.paths().size();
  const auto usual = forward_on_gpu(plan, images, images_count * maps * map);
  const auto in_order = [&](const auto& values, bool channels_last, const auto& convert) {
    std::vector<float> result(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto image = i / (maps * map);
      const auto rest = i % (maps * map);
      const auto from = channels_last ? image * maps * map + rest % map * maps + rest / map : i;
      result[i] = convert(values[from]);
    }
    return result;
  };
  for (const bool channels_last : {false, true}) {
    Call<float> same(plan, images, usual.size());
    same.forward({.channels_last = channels_last, .channels = channels});
    same.stream.wait();
    EXPECT_EQ(in_order(same.maps.read(), channels_last, [](float value) { return value; }), usual);
    for (const auto type : {FeatureType::Float16, FeatureType::BFloat16}) {
      const FeatureFormat format{.type = type, .channels_last = channels_last, .channels = channels};
      Call<float, std::uint16_t> call(plan, images, usual.size());
      call.forward(format);
      call.stream.wait();
      const auto values =
          in_order(call.maps.read(), channels_last, [&](std::uint16_t bits) { return to_float(bits, type); });
      const double step = type == FeatureType::Float16 ? 0x1p-11 : 0x1p-8;
      test::expect_close(std::span(values), std::span(usual), {.relative = step, .of_scale = 1e-7},
                         "16 bits");
      // The gradient reads them back.
      call.backward(format);
      Call<float> floats(plan, images, usual.size());
      floats.maps.write(values);
      floats.backward();
      call.stream.wait();
      floats.stream.wait();
      EXPECT_EQ(call.gradients.read(), floats.gradients.read());
    }
  }
}

TEST_F(OnGpu, ThreadsShareAPlanOnManyStreams) {
  const ScatteringOptions options{.height = 64, .width = 80, .max_order = 2};
  const auto reference = test::make_plan("reference", options);
  const CudaScattering<float> plan(options);
  std::vector<std::thread> threads;
  std::vector<char> same(8, 0);
  for (unsigned thread = 0; thread < same.size(); ++thread) {
    threads.emplace_back([&, thread] {
      const auto images = test::random_planes<float>(options, 5, thread);
      const auto count = feature_count(reference, 5);
      const auto first = forward_on_gpu(plan, images, count);
      bool equal = true;
      for (int round = 0; round < 10; ++round) equal = equal && forward_on_gpu(plan, images, count) == first;
      same[thread] = equal ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  for (const char equal : same) EXPECT_EQ(equal, 1);
}

TEST_F(OnGpu, AGraphReplaysBothDirectionsWithNewData) {
  const ScatteringOptions options{.height = 64, .width = 64, .max_order = 2};
  const CudaScattering<float> plan(options);
  const auto reference = test::make_plan("reference", options);
  const auto count = feature_count(reference, 4);
  Call<float> call(plan, test::random_planes<float>(options, 4, 1), count);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  check(cudaStreamBeginCapture(call.stream, cudaStreamCaptureModeGlobal));
  call.forward();
  call.backward();
  check(cudaStreamEndCapture(call.stream, &graph));
  check(cudaGraphInstantiate(&executable, graph, 0));
  for (unsigned seed = 2; seed < 5; ++seed) {
    const auto images = test::random_planes<float>(options, 4, seed);
    call.images.write(images);
    check(cudaGraphLaunch(executable, call.stream));
    call.stream.wait();
    Call<float> direct(plan, images, count);
    direct.forward();
    direct.backward();
    direct.stream.wait();
    EXPECT_EQ(call.maps.read(), direct.maps.read());
    EXPECT_EQ(call.gradients.read(), direct.gradients.read());
  }
  check(cudaGraphExecDestroy(executable));
  check(cudaGraphDestroy(graph));
}

TEST_F(OnGpu, APlanMayGoWhileItsWorkIsQueued) {
  const ScatteringOptions options{.height = 224, .width = 224, .max_order = 2};
  constexpr int planes = 48;
  const auto images = test::random_planes<float>(options, planes);
  auto plan = std::make_unique<CudaScattering<float>>(options);
  const auto count = planes * plan->paths().size() * plan->output_height() * plan->output_width();
  const auto expected = forward_on_gpu(*plan, images, count);
  const DeviceArray<float> on_device(images);
  const auto maps = nan_array<float>(count);
  const auto workspace = nan_array<std::byte>(plan->forward_workspace(planes));
  const Stream stream;
  for (int i = 0; i < 4; ++i)
    plan->forward(on_device.data(), planes, maps.data(), {}, workspace.data(), stream);
  plan.reset();
  // What would be taken from freed memory must not be there any more by chance.
  const auto poison = nan_array<std::byte>(64 << 20);
  stream.wait();
  EXPECT_EQ(maps.read(), expected);
}

TEST_F(OnGpu, NanStaysInItsPlane) {
  const ScatteringOptions options{.height = 64, .width = 64};
  const CudaScattering<float> plan(options);
  auto images = test::random_planes<float>(options, 3);
  const auto one = plan.paths().size() * plan.output_height() * plan.output_width();
  const auto clean = forward_on_gpu(plan, images, 3 * one);
  images[64 * 64 + 5] = std::numeric_limits<float>::quiet_NaN();
  const auto features = forward_on_gpu(plan, images, 3 * one);
  EXPECT_TRUE(std::equal(features.begin(), features.begin() + one, clean.begin()));
  EXPECT_TRUE(std::equal(features.begin() + 2 * one, features.end(), clean.begin() + 2 * one));
  const std::size_t map = plan.output_height() * plan.output_width();
  for (std::size_t i = one + map; i < 2 * one; ++i) EXPECT_TRUE(std::isnan(features[i])) << i;
}

TEST_F(OnGpu, ZerosHaveTheGradientZero) {
  const ScatteringOptions options{.height = 32, .width = 32, .max_order = 2};
  const CudaScattering<float> plan(options);
  const auto count = plan.paths().size() * plan.output_height() * plan.output_width();
  Call<float> call(plan, std::vector<float>(32 * 32, 0), count);
  std::vector<float> weights(count, 1);
  std::fill(weights.begin(), weights.begin() + plan.output_height() * plan.output_width(), 0);  // order 0
  call.maps.write(weights);
  call.backward();
  call.stream.wait();
  EXPECT_EQ(call.gradients.read(), std::vector<float>(32 * 32, 0));
}

TEST_F(OnGpu, HostMemoryGoesThereAndBack) {
  const ScatteringOptions options{.height = 40, .width = 56};
  const CudaScattering<double> plan(options);
  const auto images = test::random_planes<double>(options, 3);
  const auto expected = test::transform(test::make_plan("reference", options), images);
  std::vector<double> features(expected.size());
  plan.forward(images, features);
  test::expect_close(std::span(features), std::span(expected), forward_bound(double{}), "host memory");
  plan.forward(std::span<const double>(), std::span<double>());
  test::expect_error([&] { plan.forward(images, std::span(features).first(5)); }, "3 planes give");
  test::expect_error([&] { plan.forward(std::span(images).first(5), features); },
                     "no multiple of height x width = 40 x 56");
}

TEST_F(OnGpu, NoPlanesAreNoWork) {
  const CudaScattering<float> plan({.height = 32, .width = 32});
  plan.forward(nullptr, 0, nullptr, {}, nullptr, nullptr);
  plan.backward(nullptr, 0, nullptr, {}, nullptr, nullptr, nullptr);
  check(cudaDeviceSynchronize());
}

TEST_F(OnGpu, RefusesWithOneLine) {
  const CudaScattering<float> plan({.height = 32, .width = 32});
  const CudaScattering<double> exact({.height = 32, .width = 32});
  const auto forward = [](const auto& of, std::int64_t planes, const FeatureFormat& format) {
    of.forward(nullptr, planes, nullptr, format, nullptr, nullptr);
  };
  test::expect_error([&] { forward(plan, -1, {}); }, "planes is -1");
  test::expect_error([&] { forward(plan, 4, {.channels_last = true, .channels = 3}); },
                     "whole number of images");
  test::expect_error([&] { forward(exact, 3, {.type = FeatureType::Float16}); }, "these are float64");
  // The largest sides of an image that the filter bank takes do not fit into shared memory.
  test::expect_error([] { CudaScattering<float>({.height = 8, .width = 40'000}); }, "shared memory");
}

TEST_F(OnGpu, NotEnoughMemoryIsAnErrorAndLeavesThePlanUsable) {
  const ScatteringOptions options{.height = 64, .width = 64};
  const CudaScattering<float> plan(options);
  const auto images = test::random_planes<float>(options, 1);
  const auto count = plan.paths().size() * plan.output_height() * plan.output_width();
  const auto expected = forward_on_gpu(plan, images, count);
  // All memory but a little goes away in pieces.
  std::vector<void*> pieces;
  for (std::size_t piece = std::size_t{1} << 33; piece >= 1 << 20; piece /= 2) {
    void* memory = nullptr;
    while (cudaMalloc(&memory, piece) == cudaSuccess) pieces.push_back(memory);
    cudaGetLastError();
  }
  test::expect_error([] { CudaScattering<double>({.height = 2048, .width = 2048, .scales = 4}); },
                     "no memory on the device");
  for (void* piece : pieces) cudaFree(piece);
  EXPECT_EQ(forward_on_gpu(plan, images, count), expected);
}

#else

TEST(OnGpu, Engine) { GTEST_SKIP() << "skipped: no GPU, and this build has no CUDA engine"; }

#endif

}  // namespace
}  // namespace scatlight
