#include "train/map_stream.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace scatlight::train {
namespace {

struct NumberedBatch {
  std::int64_t number = 0;
  std::int64_t count = 1;
};

using Stream = MapStream<NumberedBatch>;

constexpr std::int64_t batches = 20;

/// The batches 0, 1 ... of which every third has no image.
std::function<std::optional<NumberedBatch>()> numbered_batches() {
  return [number = std::int64_t{0}]() mutable -> std::optional<NumberedBatch> {
    if (number == batches) return std::nullopt;
    const NumberedBatch batch{.number = number, .count = number % 3};
    ++number;
    return batch;
  };
}

at::Tensor maps_of(const NumberedBatch& batch) { return at::full({batch.count}, batch.number); }

void expect_all_in_order(Stream& stream) {
  for (std::int64_t number = 0; number < batches; ++number) {
    const auto mapped = stream.next();
    ASSERT_TRUE(mapped);
    EXPECT_EQ(mapped->batch.number, number);
    ASSERT_EQ(mapped->maps.defined(), number % 3 > 0);
    if (mapped->maps.defined()) {
      EXPECT_TRUE(mapped->maps.equal(maps_of(mapped->batch)));
    }
  }
  EXPECT_FALSE(stream.next());
}

TEST(MapStream, DeliversAllBatchesInOrder) {
  Stream stream(numbered_batches(), maps_of, at::kCPU);
  expect_all_in_order(stream);
}

TEST(MapStream, DoesNotWaitForAThreadThatHasNoTime) {
  const auto consumer = std::this_thread::get_id();
  std::latch all_delivered(1);
  Stream stream(
      numbered_batches(),
      [&](const NumberedBatch& batch) {
        if (std::this_thread::get_id() != consumer) all_delivered.wait();
        return maps_of(batch);
      },
      at::kCPU);
  expect_all_in_order(stream);
  all_delivered.count_down();
}

TEST(MapStream, ComputesAheadWhileTheConsumerIsBusy) {
  std::atomic<int> by_thread = 0;
  const auto consumer = std::this_thread::get_id();
  Stream stream(
      numbered_batches(),
      [&](const NumberedBatch& batch) {
        by_thread += std::this_thread::get_id() != consumer ? 1 : 0;
        return maps_of(batch);
      },
      at::kCPU);
  while (by_thread == 0) std::this_thread::yield();
  expect_all_in_order(stream);
}

TEST(MapStream, ThrowsInTheTurnOfTheBatch) {
  Stream stream(
      numbered_batches(),
      [](const NumberedBatch& batch) {
        if (batch.number == 2) throw std::runtime_error("batch 2");
        return maps_of(batch);
      },
      at::kCPU);
  EXPECT_TRUE(stream.next());
  EXPECT_TRUE(stream.next());
  EXPECT_THROW(stream.next(), std::runtime_error);
}

}  // namespace
}  // namespace scatlight::train
