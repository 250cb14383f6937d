// Executing a plan again allocates nothing.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "cpu/plans.h"

namespace {

std::atomic<int> allocations = 0;

void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Out of line, so that the compiler does not take it for a mistake that memory of `new` is freed by free().
[[gnu::noinline]] void release(void* memory) { std::free(memory); }

}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

namespace scatlight::test {
namespace {

class EveryEngine : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(, EveryEngine, testing::ValuesIn(test::engines()),
                         [](const auto& info) { return info.param; });

void expect_no_allocation(const Scattering& plan, int planes) {
  const auto images = random_planes<float>(plan.options(), planes);
  auto features = transform(plan, images);
  std::vector<float> gradient(images.size());
  const auto execute = [&] {
    const int before = allocations;
    plan.forward(std::span(images), std::span(features));
    plan.backward(std::span(images), std::span<const float>(features), std::span(gradient));
    return allocations - before;
  };
  execute();
  ASSERT_GT(allocations, 0);  // they are counted
  EXPECT_EQ(execute(), 0) << planes << " planes, " << name_of(plan.options());
}

TEST_P(EveryEngine, AllocatesOnlyInItsFirstCall) {
  if (GetParam() == "reference") GTEST_SKIP() << "the reference engine is made for reading";
  // threads = 1: with more, a later call may be the first in which two of them work at the same time.
  ScatteringOptions options{.height = 60, .width = 44, .scales = 2, .angles = 6, .threads = 1};
  for (const int order : {0, 1, 2}) {
    options.max_order = order;
    expect_no_allocation(make_plan(GetParam(), options), 5);
    expect_no_allocation(make_plan(GetParam(), options), 21);  // which share vectors
  }
  options = {.height = 450, .width = 620, .scales = 3, .angles = 1, .threads = 1};  // several tiles
  expect_no_allocation(make_plan(GetParam(), options), 1);
}

}  // namespace
}  // namespace scatlight::test
