// Images per second of listing, of reading, of decoding, and of the loader, which does all of it:
//   loader_benchmark FOLDER        images in folders or archives of classes, or shards

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>

#include "core/parallel_for.h"
#include "data/loader.h"

namespace scatlight::data {
namespace {

void count_images(benchmark::State& state, const ImageFolder& folder) {
  state.counters["images"] = benchmark::Counter(static_cast<double>(folder.samples.size()),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

void list_folder(benchmark::State& state, const ImageFolder& folder) {
  for (auto _ : state) benchmark::DoNotOptimize(list_image_folder(folder.root));
  count_images(state, folder);
}

/// In the order of a training, which is random.
void read_images(benchmark::State& state, const ImageFolder& folder, int threads) {
  const auto order = shuffled_order(std::ssize(folder.samples), 0, 0);
  for (auto _ : state) {
    parallel_for(threads, std::ssize(order), [&](std::int64_t i) {
      benchmark::DoNotOptimize(open_image(folder.samples[static_cast<std::size_t>(order[i])]));
    });
  }
  count_images(state, folder);
}

void decode(benchmark::State& state, const ImageFolder& folder, int threads) {
  const auto count = static_cast<std::int64_t>(folder.samples.size());
  for (auto _ : state) {
    parallel_for(threads, count,
                 [&](std::int64_t i) { benchmark::DoNotOptimize(open_image(folder.samples[i]).decode()); });
  }
  count_images(state, folder);
}

void load(benchmark::State& state, const ImageFolder& folder, int threads, bool augment) {
  const Recipe recipe({});
  for (auto _ : state) {
    Loader loader(folder, recipe,
                  {.batch_size = 32, .threads = threads, .augment = augment, .shuffle = augment});
    while (auto batch = loader.next()) loader.recycle(std::move(*batch));
  }
  count_images(state, folder);
}

template <class... Arguments>
void add(const std::string& name, Arguments... arguments) {
  benchmark::RegisterBenchmark(name.c_str(), arguments...)->Unit(benchmark::kMillisecond)->UseRealTime();
}

}  // namespace
}  // namespace scatlight::data

int main(int argc, char** argv) {
  using namespace scatlight::data;
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: loader_benchmark FOLDER [--benchmark_...]\n");
    return 2;
  }
  const auto folder = list_image_folder(argv[1]);
  add("list", list_folder, folder);
  for (const int threads : {1, 2}) {
    add(fmt::format("read/{}threads", threads), read_images, folder, threads);
    add(fmt::format("decode/{}threads", threads), decode, folder, threads);
    add(fmt::format("test/224/{}threads", threads), load, folder, threads, false);
    add(fmt::format("train/224/{}threads", threads), load, folder, threads, true);
  }
  benchmark::RunSpecifiedBenchmarks();
}
