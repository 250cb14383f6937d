// Times of the transform alone, without Python: forward, backward and plans, by engine, size and threads; and
// the memory of a plan's tables and of the scratch that its first call takes and keeps.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <cstdlib>
#include <random>
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

// A call without planes makes the filters.
void make_filters(const Scattering& plan) { plan.forward(std::span<const float>(), std::span<float>()); }

void plan(benchmark::State& state, const ScatteringOptions& options) {
  for (auto _ : state) make_filters(Scattering(options));
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
