// Wavelets as an argument on a GPU, against the reference engine. What needs no GPU is tested in
// learned_wavelets_test.cpp.

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "cpu/plans.h"
#include "scatlight/cuda.h"
#include "support/compare.h"
#include "support/expect_error.h"

#ifdef SCATLIGHT_WITH_CUDA
#include "cuda/on_gpu.h"
#endif

namespace scatlight {
namespace {

#ifdef SCATLIGHT_WITH_CUDA

using cuda::check;
using test::backward_bound;
using test::Call;
using test::forward_bound;
using test::forward_on_gpu;
using test::nan_array;

using WaveletsOnGpu = test::OnGpuTest;

// Not smoothed by the wavelets, as the gradient of the images is: samples of a modulus near zero weigh more.
constexpr double wavelet_bound(float) { return 1e-4; }
constexpr double wavelet_bound(double) { return 1e-11; }

/// Images' and wavelets' gradients, as Scattering::backward() gives them.
template <class T>
struct Gradients {
  std::vector<T> images;
  std::vector<double> wavelets;
  friend bool operator==(const Gradients&, const Gradients&) = default;
};

std::size_t wavelet_values(const ScatteringOptions& options) {
  const auto shape = shape_of(options);
  return static_cast<std::size_t>(options.scales) * options.angles * shape.padded_height * shape.padded_width;
}

template <class T>
Gradients<T> gradients_on_gpu(const CudaScattering<T>& plan, const std::vector<T>& images,
                              const std::vector<T>& weights) {
  Call<T> call(plan, images, weights.size());
  const auto wavelets = nan_array<double>(wavelet_values(plan.options()));
  call.maps.write(weights);
  plan.backward(call.images.data(), call.planes, call.maps.data(), {}, call.gradients.data(), wavelets.data(),
                call.workspace.data(), call.stream);
  call.stream.wait();
  return {call.gradients.read(), wavelets.read()};
}

std::vector<WaveletShape> moved_shapes(const ScatteringOptions& options) {
  auto shapes = wavelet_shapes(options);
  for (std::size_t i = 0; i < shapes.size(); i += 3) {
    shapes[i].theta += 0.05;
    shapes[i].sigma *= 1.2;
  }
  return shapes;
}

std::vector<double> random_spectra(const ScatteringOptions& options) {
  std::mt19937 generator(2);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> spectra(wavelet_values(options));
  for (auto& value : spectra) value = uniform(generator);
  return spectra;
}

template <class T, class Wavelets>
void compare_wavelets(const ScatteringOptions& options, const Wavelets& wavelets) {
  constexpr int planes = 3;
  const auto name = test::name_of(options);
  const auto reference = test::make_plan("reference", options).with_wavelets(wavelets);
  const auto plan = CudaScattering<T>(options).with_wavelets(wavelets);
  const auto images = test::random_planes<T>(options, planes);
  const std::vector<double> exact(images.begin(), images.end());
  const auto expected = test::transform(reference, exact);
  const auto features = forward_on_gpu(plan, images, expected.size());
  test::expect_close(std::span(features), std::span(expected), forward_bound(T{}), name.c_str());

  const auto weights = test::random_gradients<T>(reference, planes);
  const std::vector<double> exact_weights(weights.begin(), weights.end());
  Gradients<double> of_reference{std::vector<double>(images.size()),
                                 std::vector<double>(wavelet_values(options))};
  reference.backward(std::span<const double>(exact), std::span<const double>(exact_weights),
                     std::span<double>(of_reference.images), std::span<double>(of_reference.wavelets));
  const auto gradients = gradients_on_gpu(plan, images, weights);
  test::expect_close_in_norm(std::span(gradients.images), std::span(of_reference.images), backward_bound(T{}),
                             (name + ", gradient").c_str());
  test::expect_close_in_norm(std::span(gradients.wavelets), std::span(of_reference.wavelets),
                             wavelet_bound(T{}), (name + ", gradient of the wavelets").c_str());
  EXPECT_EQ(gradients_on_gpu(plan, images, weights), gradients);  // bit for bit
}

TEST_F(WaveletsOnGpu, GivenWaveletsEqualTheReference) {
  for (const ScatteringOptions& options :
       {ScatteringOptions{.height = 64, .width = 64, .max_order = 2},
        ScatteringOptions{.height = 33, .width = 57, .scales = 2, .max_order = 2},
        ScatteringOptions{.height = 32, .width = 48, .scales = 5, .angles = 3, .max_order = 2},
        ScatteringOptions{.height = 40, .width = 29, .scales = 3, .angles = 4, .max_order = 2, .stride = 2},
        ScatteringOptions{.height = 62, .width = 94, .scales = 1, .angles = 5},
        ScatteringOptions{.height = 224, .width = 224, .scales = 3}}) {
    compare_wavelets<float>(options, moved_shapes(options));
    compare_wavelets<float>(options, random_spectra(options));
    compare_wavelets<double>(options, moved_shapes(options));
    compare_wavelets<double>(options, random_spectra(options));
  }
}

TEST_F(WaveletsOnGpu, TheFixedWaveletsAreTheSameGivenBitForBit) {
  const ScatteringOptions options{.height = 40, .width = 56, .max_order = 2};
  const CudaScattering<float> plan(options);
  const Scattering on_cpu(options);
  std::vector<double> spectra;
  for (int scale = 0; scale < options.scales; ++scale) {
    for (int angle = 0; angle < options.angles; ++angle)
      std::ranges::copy(on_cpu.wavelet(scale, angle), std::back_inserter(spectra));
  }
  const auto images = test::random_planes<float>(options, 5);
  const auto weights = test::random_gradients<float>(on_cpu, 5);
  const auto maps = forward_on_gpu(plan, images, weights.size());
  const auto gradients = gradients_on_gpu(plan, images, weights);
  for (const auto& given : {plan.with_wavelets(wavelet_shapes(options)), plan.with_wavelets(spectra),
                            plan.with_wavelets(random_spectra(options)).with_wavelets(spectra)}) {
    EXPECT_EQ(forward_on_gpu(given, images, weights.size()), maps);
    EXPECT_EQ(gradients_on_gpu(given, images, weights), gradients);
  }
}

// Wavelets may have kernels that the fixed ones do not, and no kernel can be loaded while a stream is
// captured.
TEST_F(WaveletsOnGpu, AGraphReplaysGivenWavelets) {
  const ScatteringOptions options{.height = 64, .width = 64, .max_order = 2};
  const auto plan = CudaScattering<float>(options).with_wavelets(random_spectra(options));
  const Scattering on_cpu(options);
  const auto images = test::random_planes<float>(options, 4);
  const auto weights = test::random_gradients<float>(on_cpu, 4);
  Call<float> call(plan, images, weights.size());
  call.maps.write(weights);
  const auto wavelets = nan_array<double>(wavelet_values(options));
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  check(cudaStreamBeginCapture(call.stream, cudaStreamCaptureModeGlobal));
  plan.backward(call.images.data(), 4, call.maps.data(), {}, call.gradients.data(), wavelets.data(),
                call.workspace.data(), call.stream);
  check(cudaStreamEndCapture(call.stream, &graph));
  check(cudaGraphInstantiate(&executable, graph, 0));
  check(cudaGraphLaunch(executable, call.stream));
  call.stream.wait();
  const Gradients<float> replayed{call.gradients.read(), wavelets.read()};
  EXPECT_EQ(replayed, gradients_on_gpu(plan, images, weights));
  check(cudaGraphExecDestroy(executable));
  check(cudaGraphDestroy(graph));
}

// A plan of other wavelets has its own filters and shares the tables, whichever of the two goes first.
TEST_F(WaveletsOnGpu, PlansOfOneOriginDoNotDependOnEachOther) {
  const ScatteringOptions options{.height = 32, .width = 32};
  const auto images = test::random_planes<float>(options, 2);
  auto fixed = std::make_unique<CudaScattering<float>>(options);
  const auto count = 2 * fixed->paths().size() * fixed->output_height() * fixed->output_width();
  auto given = std::make_unique<CudaScattering<float>>(fixed->with_wavelets(random_spectra(options)));
  const auto of_given = forward_on_gpu(*given, images, count);
  const auto of_fixed = forward_on_gpu(*fixed, images, count);
  EXPECT_NE(of_given, of_fixed);
  fixed.reset();
  EXPECT_EQ(forward_on_gpu(*given, images, count), of_given);
  const auto again = given->with_wavelets(wavelet_shapes(options));
  given.reset();
  EXPECT_EQ(forward_on_gpu(again, images, count), of_fixed);
}

TEST_F(WaveletsOnGpu, WaveletsThatDoNotFitAreRefusedWithOneLine) {
  const ScatteringOptions options{.height = 32, .width = 32, .scales = 2, .angles = 4};
  const CudaScattering<float> plan(options);
  auto shapes = wavelet_shapes(options);
  shapes[5].sigma = 0;
  test::expect_error([&] { plan.with_wavelets(shapes); }, "sigma of the wavelet of scale 1 and angle 1 is 0");
  shapes.pop_back();
  test::expect_error([&] { plan.with_wavelets(shapes); }, "7 shapes are given");
  auto spectra = random_spectra(options);
  spectra.back() = std::numeric_limits<double>::quiet_NaN();
  test::expect_error([&] { plan.with_wavelets(spectra); }, "must be finite");
  spectra.pop_back();
  test::expect_error([&] { plan.with_wavelets(spectra); }, "spectra hold");
}

// More planes than a launch has blocks for: spectra are in memory in two chunks of planes. They are a few
// planes again and again.
TEST_F(WaveletsOnGpu, ChunksOfPlanesAddUp) {
  const ScatteringOptions options{.height = 8, .width = 8, .scales = 1, .angles = 3};
  constexpr int few = 7;
  constexpr int times = 10'000;
  const CudaScattering<double> plan(options);
  const auto images = test::random_planes<double>(options, few);
  const auto weights = test::random_gradients<double>(Scattering(options), few);
  const auto repeated = [](const std::vector<double>& values) {
    std::vector<double> many;
    many.reserve(values.size() * times);
    for (int i = 0; i < times; ++i) many.insert(many.end(), values.begin(), values.end());
    return many;
  };
  auto expected = gradients_on_gpu(plan, images, weights).wavelets;
  for (auto& value : expected) value *= times;
  const auto actual = gradients_on_gpu(plan, repeated(images), repeated(weights)).wavelets;
  test::expect_close_in_norm(std::span(actual), std::span(expected), 1e-11, "chunks of planes");
}

TEST_F(WaveletsOnGpu, NoPlanesHaveTheGradientZero) {
  const CudaScattering<float> plan({.height = 32, .width = 32});
  const auto wavelets = nan_array<double>(wavelet_values(plan.options()));
  plan.backward(nullptr, 0, nullptr, {}, nullptr, wavelets.data(), nullptr, nullptr);
  check(cudaDeviceSynchronize());
  EXPECT_EQ(wavelets.read(), std::vector<double>(wavelets.size(), 0.0));
}

#else

TEST(WaveletsOnGpu, Engine) { GTEST_SKIP() << "skipped: no GPU, and this build has no CUDA engine"; }

#endif

}  // namespace
}  // namespace scatlight
