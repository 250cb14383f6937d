// Times of the transform alone, without Python: forward, backward and plans, by engine, size and threads;
// what the gradient of the wavelets and an exchange of wavelets take beside these; and the memory of a plan's
// tables and of the scratch that its first call takes and keeps.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "scatlight/scattering.h"

namespace scatlight {
namespace {

struct Case {
  const char* name;
  ScatteringOptions options;
  int planes;
};

ScatteringOptions sized(int height, int width, int scales, int max_order, int threads = 1) {
  return {.height = height, .width = width, .scales = scales, .max_order = max_order, .threads = threads};
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"224x224/J3/order1", sized(224, 224, 3, 1), 24},
      {"224x224/J3/order1/2threads", sized(224, 224, 3, 1, 2), 24},
      {"224x224/J3/order1/1image", sized(224, 224, 3, 1), 3},
      {"224x224/J3/order1/1image/2threads", sized(224, 224, 3, 1, 2), 3},
      {"224x224/J4/order1", sized(224, 224, 4, 1), 12},
      {"224x224/J3/order2", sized(224, 224, 3, 2), 6},
      {"32x32/J2/order1", sized(32, 32, 2, 1), 384},
      {"32x32/J2/order1/48planes", sized(32, 32, 2, 1), 48},
      {"32x32/J2/order1/48planes/2threads", sized(32, 32, 2, 1, 2), 48},
      {"32x32/J2/order2", sized(32, 32, 2, 2), 384},
      {"299x299/J3/order1", sized(299, 299, 3, 1), 12},
      {"600x901/J3/order1", sized(600, 901, 3, 1), 3},
      {"800x1200/J3/order1", sized(800, 1200, 3, 1), 3},
      {"1024x1024/J4/order1", sized(1024, 1024, 4, 1), 1},
  };
  return all;
}

std::vector<float> noise(std::size_t size) {
  std::mt19937 generator(0);
  std::uniform_real_distribution<float> distribution(0, 1);
  std::vector<float> values(size);
  for (auto& value : values) value = distribution(generator);
  return values;
}

/// As after some steps of a training: no wavelet is the mirror image of another.
std::vector<WaveletShape> learned_shapes(const ScatteringOptions& options) {
  auto shapes = wavelet_shapes(options);
  std::mt19937 generator(0);
  std::uniform_real_distribution<double> distribution(0.98, 1.02);
  for (auto& shape : shapes) {
    for (double* number : {&shape.theta, &shape.xi, &shape.sigma, &shape.slant})
      *number *= distribution(generator);
  }
  return shapes;
}

/// Values of the spectra of all wavelets.
std::size_t wavelets_size(const Scattering& plan) {
  return static_cast<std::size_t>(plan.options().scales) * plan.options().angles * plan.padded_height() *
         plan.padded_width();
}

std::size_t features_size(const Scattering& plan) {
  return plan.paths().size() * plan.output_height() * plan.output_width();
}

/// Bytes that the process has from malloc.
double allocated() {
  const auto memory = ::mallinfo2();
  return static_cast<double>(memory.uordblks + memory.hblkhd);
}

void count_planes(benchmark::State& state, const Case& of) {
  state.counters["seconds_per_plane"] = benchmark::Counter(
      of.planes, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void forward(benchmark::State& state, const Case& of) {
  const Scattering plan(of.options);
  const auto images = noise(static_cast<std::size_t>(of.planes) * of.options.height * of.options.width);
  std::vector<float> features(of.planes * features_size(plan));
  for (auto _ : state) plan.forward(std::span<const float>(images), std::span<float>(features));
  count_planes(state, of);
}

void backward(benchmark::State& state, const Case& of) {
  const Scattering plan(of.options);
  const auto images = noise(static_cast<std::size_t>(of.planes) * of.options.height * of.options.width);
  const auto feature_gradients = noise(of.planes * features_size(plan));
  std::vector<float> gradients(images.size());
  for (auto _ : state) {
    plan.backward(std::span<const float>(images), std::span<const float>(feature_gradients),
                  std::span<float>(gradients));
  }
  count_planes(state, of);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Forward and backward, without and with the gradient of the wavelets in turn, as times drift on a machine
/// that others use too. The counters are medians; the benchmark's own time is that of both.
void wavelet_gradients(benchmark::State& state, const Case& of) {
  const auto plan = Scattering(of.options).with_wavelets(learned_shapes(of.options));
  const auto images = noise(static_cast<std::size_t>(of.planes) * of.options.height * of.options.width);
  std::vector<float> features(of.planes * features_size(plan));
  const auto feature_gradients = noise(features.size());
  std::vector<float> gradients(images.size());
  std::vector<double> of_wavelets(wavelets_size(plan));
  const auto seconds = [&](const auto& backward) {
    const auto begin = std::chrono::steady_clock::now();
    plan.forward(std::span<const float>(images), std::span<float>(features));
    backward();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const auto without = [&] {
    plan.backward(std::span<const float>(images), std::span<const float>(feature_gradients),
                  std::span<float>(gradients));
  };
  const auto with = [&] {
    plan.backward(std::span<const float>(images), std::span<const float>(feature_gradients),
                  std::span<float>(gradients), std::span<double>(of_wavelets));
  };
  without();
  with();
  std::vector<double> times;
  std::vector<double> ratios;
  for (auto _ : state) {
    times.push_back(seconds(without));
    ratios.push_back(seconds(with) / times.back());
  }
  state.counters["without_ms"] = 1e3 * median(times);
  state.counters["ratio"] = median(ratios);
}

// A call without planes makes the filters.
void make_filters(const Scattering& plan) { plan.forward(std::span<const float>(), std::span<float>()); }

void plan(benchmark::State& state, const ScatteringOptions& options) {
  for (auto _ : state) make_filters(Scattering(options));
}

/// From the gradient of the wavelets to their shapes, and a plan of other shapes with its filters.
void exchange(benchmark::State& state, const ScatteringOptions& options) {
  const Scattering fixed(options);
  make_filters(fixed);
  const auto shapes = learned_shapes(options);
  const std::vector<double> of_wavelets(wavelets_size(fixed), 1.0);
  make_filters(fixed.with_wavelets(shapes));
  std::vector<double> chain;
  std::vector<double> filters;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(shape_gradients(options, shapes, of_wavelets));
    const auto between = std::chrono::steady_clock::now();
    make_filters(fixed.with_wavelets(shapes));
    const auto end = std::chrono::steady_clock::now();
    chain.push_back(std::chrono::duration<double>(between - begin).count());
    filters.push_back(std::chrono::duration<double>(end - between).count());
  }
  state.counters["chain_ms"] = 1e3 * median(chain);
  state.counters["filters_ms"] = 1e3 * median(filters);
}

/// Not a time: counters in MB.
void memory(benchmark::State& state, const ScatteringOptions& options) {
  for (auto _ : state) {
    const double before = allocated();
    const Scattering plan(options);
    make_filters(plan);
    const double with_plan = allocated();
    const auto image = noise(static_cast<std::size_t>(options.height) * options.width);
    std::vector<float> features(features_size(plan));
    const double with_data = allocated();
    plan.forward(std::span<const float>(image), std::span<float>(features));
    const double with_forward = allocated();
    std::vector<float> gradients(image.size());
    const double with_gradients = allocated();
    plan.backward(std::span<const float>(image), std::span<const float>(features),
                  std::span<float>(gradients));
    state.counters["plan_MB"] = (with_plan - before) / 1e6;
    state.counters["forward_MB"] = (with_forward - with_data) / 1e6;
    state.counters["backward_too_MB"] = (with_forward - with_data + allocated() - with_gradients) / 1e6;
  }
}

void add_cases() {
  // First, as plans keep their tables for the next ones of the same options.
  for (const auto& [height, width] : {std::pair{224, 224}, std::pair{800, 1200}}) {
    benchmark::RegisterBenchmark(fmt::format("plan/{}x{}/J3/order1", height, width).c_str(), plan,
                                 sized(height, width, 3, 1))
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(fmt::format("exchange/{}x{}/J3/order1", height, width).c_str(), exchange,
                                 sized(height, width, 3, 1))
        ->Unit(benchmark::kMillisecond);
    for (const int order : {1, 2}) {
      benchmark::RegisterBenchmark(fmt::format("memory/{}x{}/J3/order{}", height, width, order).c_str(),
                                   memory, sized(height, width, 3, order))
          ->Iterations(1);
    }
  }
  for (const Case& of : cases()) {
    const auto add = [&](const char* name, void (*run)(benchmark::State&, const Case&)) {
      benchmark::RegisterBenchmark(fmt::format("{}/{}", name, of.name).c_str(), run, of)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    };
    add("forward", forward);
    add("backward", backward);
    add("wavelet_gradients", wavelet_gradients);
  }
}

}  // namespace
}  // namespace scatlight

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("engine", scatlight::Scattering::available_engines().back());
  scatlight::add_cases();
  benchmark::RunSpecifiedBenchmarks();
}
