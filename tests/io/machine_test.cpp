#include "io/machine.h"

#include <gtest/gtest.h>

#include <vector>

namespace scatlight::io {
namespace {

TEST(Machine, SaysPlausibleFacts) {
  EXPECT_FALSE(processor_name().empty());
  EXPECT_GE(processor_threads(), 1);
  EXPECT_GT(memory_bytes(), peak_memory_bytes());
  EXPECT_GT(free_memory_bytes(), 0);
  EXPECT_LE(free_memory_bytes(), memory_bytes());
  EXPECT_GE(machine_load(), 0);
}

TEST(Machine, PeakMemoryCountsWhatWasTouched) {
  const auto before = peak_memory_bytes();
  constexpr std::size_t size = 64 << 20;
  std::vector<char> block(size, 1);
  EXPECT_GE(peak_memory_bytes(), static_cast<std::int64_t>(size));
  EXPECT_GE(peak_memory_bytes(), before);
  EXPECT_EQ(block[size / 2], 1);
}

TEST(Machine, PeakMemoryCountsAnewAfterARestart) {
  constexpr std::size_t size = 64 << 20;
  const auto take = [](std::size_t bytes) {
    const std::vector<char> block(bytes, 1);
    EXPECT_EQ(block[bytes / 2], 1);
  };
  take(3 * size);
  const auto before = peak_memory_bytes();
  if (!restart_peak_memory()) GTEST_SKIP() << "skipped: this kernel's peak cannot be cleared";
  take(size);
  EXPECT_LT(peak_memory_bytes(), before - static_cast<std::int64_t>(size));
  EXPECT_GE(peak_memory_bytes(), static_cast<std::int64_t>(size));
}

}  // namespace
}  // namespace scatlight::io
