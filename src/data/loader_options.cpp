#include "data/loader_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <utility>

#include "data/random.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

constexpr int most_threads = 256;
constexpr int most_parts = 1 << 16;
/// The counter of CounterRandom that no sample has: the order's own.
constexpr auto order_index = ~std::uint64_t{0};

}  // namespace

void check_range(const char* what, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most) {
    throw Error(fmt::format("{} {}: {} to {} is accepted", what, value, least, most));
  }
}

void check_batch_size(std::int64_t batch_size) {
  check_range("batch size", batch_size, 1, largest_batch_size);
}

LoaderOptions check_loader_options(LoaderOptions options, std::int64_t batches) {
  check_batch_size(options.batch_size);
  check_range("loader threads", options.threads, 0, most_threads);
  check_range("prefetched batches", options.prefetch, 1, 1024);
  check_range("most pixels of a picture", options.max_pixels, 1, largest_max_pixels);
  check_range("epoch", options.epoch, 0, std::int64_t{1} << 40);
  check_range("first batch", options.start_batch, 0, batches);
  check_range("parts of a batch", options.parts, 1, most_parts);
  check_range("part of a batch", options.part, 0, options.parts - 1);
  if (options.threads == 0) {
    options.threads = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, most_threads);
  }
  return options;
}

std::int64_t part_count(std::int64_t count, std::int64_t largest) { return (count + largest - 1) / largest; }

Part even_part(std::int64_t count, std::int64_t largest, std::int64_t index) {
  const auto parts = part_count(count, largest);
  const auto first = count * index / parts;
  return {.first = first, .count = count * (index + 1) / parts - first};
}

Part own_part(std::int64_t count, const LoaderOptions& options) {
  const auto first = count * options.part / options.parts;
  return {.first = first, .count = count * (options.part + 1) / options.parts - first};
}

std::vector<std::int64_t> shuffled_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  CounterRandom random(seed, static_cast<std::uint64_t>(epoch), order_index);
  for (auto i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

std::vector<std::int64_t> epoch_order(std::int64_t count, const LoaderOptions& options) {
  if (options.shuffle) return shuffled_order(count, options.seed, options.epoch);
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

}  // namespace scatlight::data
