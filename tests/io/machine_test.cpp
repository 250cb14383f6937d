#include "io/machine.h"

#include <gtest/gtest.h>

#include <vector>

namespace scatlight::io {
namespace {

TEST(Machine, SaysPlausibleFacts) {
  EXPECT_FALSE(processor_name().empty());
  EXPECT_GE(processor_threads(), 1);
  EXPECT_GT(memory_bytes(), peak_memory_bytes());
}

TEST(Machine, PeakMemoryCountsWhatWasTouched) {
  const auto before = peak_memory_bytes();
  constexpr std::size_t size = 64 << 20;
  std::vector<char> block(size, 1);
  EXPECT_GE(peak_memory_bytes(), static_cast<std::int64_t>(size));
  EXPECT_GE(peak_memory_bytes(), before);
  EXPECT_EQ(block[size / 2], 1);
}

}  // namespace
}  // namespace scatlight::io
