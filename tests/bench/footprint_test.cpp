// What the tensors of a training take, against the count from its structure.

#include "bench/footprint.h"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include "bench/memory.h"
#include "support/expect_error.h"

namespace scatlight::bench {
namespace {

at::Tensor tensor_of(std::int64_t bytes) { return at::empty({bytes}, at::kByte); }

TEST(MemoryMeter, CountsTensorsThatAreThere) {
  const auto before = tensor_of(1000);
  MemoryMeter meter(at::kCPU);
  EXPECT_EQ(meter.bytes(), 0);
  const auto kept = tensor_of(3000);
  {
    const auto passing = tensor_of(50'000);
  }
  EXPECT_EQ(meter.bytes(), 3000);
  EXPECT_EQ(meter.peak_bytes(), 53'000);
  meter.restart_peak();
  EXPECT_EQ(meter.peak_bytes(), 3000);
  EXPECT_FALSE(meter.peak_reserved_bytes());
}

TEST(MemoryMeter, HearsNothingAfterItsEnd) {
  at::Tensor longer_there;
  {
    MemoryMeter meter(at::kCPU);
    longer_there = tensor_of(1000);
  }
  MemoryMeter meter(at::kCPU);
  longer_there.reset();
  EXPECT_LE(meter.bytes(), 0);
  EXPECT_EQ(meter.peak_bytes(), 0);
}

TEST(MemoryLimit, IsWhatTheMachineHas) {
  EXPECT_NO_THROW(MemoryLimit(at::kCPU, 1'000'000));
  test::expect_error([] { MemoryLimit(at::kCPU, std::int64_t{1} << 60); }, "--memory");
}

Footprint measure(const Subject& subject, std::int64_t bytes, at::ScalarType precision = at::kFloat) {
  return measure_memory(subject, bytes, {.precision = precision}, [] {});
}

// What is kept is what nets::cost() counts, but for the scores and the labels.
TEST(Footprint, KeptActivationsAreTheCountedOnes) {
  for (const char* name : {"scatresnet-small", "resnet-small"}) {
    const auto subject = make_subject(name, 64, false);
    const auto found = measure(subject, 40'000'000);
    constexpr double scores_and_label = 1000 * 4 + 8;
    EXPECT_NEAR(found.kept_bytes_per_image, found.counted_bytes_per_image + scores_and_label, 8) << name;
    EXPECT_EQ(found.counted_bytes_per_image, nets::cost(subject.options).saved_bytes);
    EXPECT_GE(found.fixed_bytes, 8 * nets::cost(subject.options).parameters);
  }
}

TEST(Footprint, Bfloat16HalvesWhatIsKept) {
  const auto subject = make_subject("scatresnet-small", 64, false);
  const auto found = measure(subject, 13'000'000, at::kBFloat16);
  EXPECT_EQ(found.counted_bytes_per_image, nets::cost(subject.options).saved_bytes / 2);
  EXPECT_NEAR(found.kept_bytes_per_image / static_cast<double>(found.counted_bytes_per_image), 1, 0.04)
      << "scores and labels are float32";
}

TEST(Footprint, KeptActivationsOfABaseAreTheCountedOnes) {
  for (const char* name : {"scatdet-small", "det-small"}) {
    const auto found = measure(make_subject(name, 96, true), 20'000'000);
    EXPECT_NEAR(found.kept_bytes_per_image, found.counted_bytes_per_image, 8) << name;
  }
}

TEST(Footprint, LargestBatchFitsAndTheNextOneDoesNot) {
  constexpr std::int64_t memory = 20'000'000;
  const auto found = measure(make_subject("scatresnet-small", 64, false), memory);
  EXPECT_EQ(found.largest.least_too_large, found.largest.images + 1);
  std::int64_t fitted = 0;
  std::int64_t failed = 0;
  for (const auto& step : found.steps) {
    EXPECT_GE(step.peak_bytes, step.held_bytes);
    EXPECT_GT(step.held_bytes, found.fixed_bytes);
    if (step.process_bytes) {
      EXPECT_GT(*step.process_bytes, step.peak_bytes / 2);
    }
    if (step.peak_bytes <= memory) fitted = std::max(fitted, step.images);
    if (step.images == found.largest.least_too_large) failed = step.peak_bytes;
  }
  EXPECT_EQ(fitted, found.largest.images);
  EXPECT_GT(failed, memory);
  // Gradients and velocities leave less than the activations alone would take.
  const auto room = static_cast<double>(memory - found.fixed_bytes);
  EXPECT_LE(static_cast<double>(found.largest.images), room / found.kept_bytes_per_image);
  EXPECT_GE(static_cast<double>(found.largest.images), 0.5 * room / found.kept_bytes_per_image);
}

TEST(Footprint, SaysThatNoBatchFits) {
  const auto subject = make_subject("scatresnet-small", 64, false);
  test::expect_error([&] { check_memory(subject, 5'000'000, at::kFloat); },
                     "holds no batch of scatresnet-small");
  // Enough for what is known beforehand, not for the gradients of the last layers.
  test::expect_error([&] { measure(subject, 8'000'000); }, "holds no batch of scatresnet-small");
}

}  // namespace
}  // namespace scatlight::bench
