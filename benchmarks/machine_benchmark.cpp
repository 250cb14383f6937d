// The limits of the machine that the transform is measured against: multiply-adds per second of one core, and
// bytes per second that it reads from the caches and from memory.

#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

namespace {

#if defined(__AVX512F__)
constexpr int lanes = 16;
#elif defined(__AVX__)
constexpr int lanes = 8;
#else
constexpr int lanes = 4;
#endif
typedef float Vector __attribute__((vector_size(lanes * sizeof(float))));

void multiply_add(benchmark::State& state) {
  constexpr int chains = 12;  // enough to hide the latency on every core of today
  constexpr int rounds = 10'000;
  Vector sums[chains] = {};
  Vector factor = {};
  factor += 0.999F;
  benchmark::DoNotOptimize(factor);
  for (auto _ : state) {
    for (int round = 0; round < rounds; ++round) {
      for (auto& sum : sums) sum = sum * factor + factor;
    }
    benchmark::DoNotOptimize(sums);
  }
  state.counters["flops"] =
      benchmark::Counter(2.0 * lanes * chains * rounds, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(multiply_add);

void read(benchmark::State& state) {
  const std::size_t bytes = static_cast<std::size_t>(state.range(0)) << 10;
  std::vector<Vector> values(bytes / sizeof(Vector), Vector{});
  for (auto _ : state) {
    Vector sums[4] = {};
    for (std::size_t i = 0; i + 4 <= values.size(); i += 4) {
      for (int j = 0; j < 4; ++j) sums[j] += values[i + j];
    }
    benchmark::DoNotOptimize(sums);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
}
BENCHMARK(read)->ArgName("KiB")->Arg(16)->Arg(256)->Arg(4 << 10)->Arg(256 << 10);

}  // namespace

BENCHMARK_MAIN();
