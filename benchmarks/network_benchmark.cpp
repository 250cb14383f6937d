// Times of networks in evaluation, as trained and folded for inference, on images and on the maps alone, and
// of the gradient of a training step on maps.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/rand.h>
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>

#include "nets/catalogue.h"
#include "nets/fold.h"

namespace scatlight::nets {
namespace {

constexpr int images_at_once = 8;

void evaluate(benchmark::State& state, const std::string& name, bool folded, bool body_alone) {
  const at::NoGradGuard no_grad;
  Network network(network_options(name));
  network.train(false);
  if (folded) fold_for_inference(network);
  const auto images = at::rand({images_at_once, 3, network.options().height, network.options().width});
  const auto maps = network.maps(images);
  for (auto _ : state) {
    benchmark::DoNotOptimize(body_alone ? network.classify(maps) : network.forward(images));
  }
  state.counters["images"] =
      benchmark::Counter(images_at_once, benchmark::Counter::kIsIterationInvariantRate);
}

/// Forward and backward.
void step(benchmark::State& state, const std::string& name) {
  Network network(network_options(name));
  const auto maps =
      network.maps(at::rand({images_at_once, 3, network.options().height, network.options().width}));
  const auto labels = at::arange(images_at_once, at::kLong);
  for (auto _ : state) {
    at::cross_entropy_loss(network.classify(maps), labels).backward();
    for (auto& [parameter, tensor] : network.parameters()) tensor.mutable_grad().reset();
  }
  state.counters["images"] =
      benchmark::Counter(images_at_once, benchmark::Counter::kIsIterationInvariantRate);
}

void add_networks() {
  for (const std::string name : {"scatresnet-small", "scatresnet10", "scatresnet50", "resnet50"}) {
    benchmark::RegisterBenchmark((name + "/step").c_str(), step, name)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
    for (const bool folded : {false, true}) {
      for (const bool body_alone : {false, true}) {
        const auto label =
            fmt::format("{}/{}/{}", name, folded ? "folded" : "as_trained", body_alone ? "body" : "whole");
        benchmark::RegisterBenchmark(label.c_str(), evaluate, name, folded, body_alone)
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
      }
    }
  }
}

}  // namespace
}  // namespace scatlight::nets

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  scatlight::nets::add_networks();
  benchmark::RunSpecifiedBenchmarks();
}
