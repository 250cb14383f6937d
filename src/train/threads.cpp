#include "train/threads.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <latch>
#include <system_error>
#include <thread>
#include <vector>

#include "io/machine.h"
#include "scatlight/error.h"

namespace scatlight::train {
namespace {

/// torch's pool waits for ever for threads that the system refuses.
void check_can_be_made(int count) {
  std::latch all_tried(1);
  std::vector<std::jthread> threads;
  try {
    for (int i = 0; i < count; ++i) threads.emplace_back([&] { all_tried.wait(); });
  } catch (const std::system_error& error) {
    all_tried.count_down();
    throw Error(fmt::format("{} threads cannot be made, only {}: {}; --threads takes fewer", count,
                            threads.size(), error.code().message()));
  }
  all_tried.count_down();
}

}  // namespace

int use_threads(int threads) {
  const int count = threads == 0 ? io::processor_threads() : threads;
  check_can_be_made(count);
  at::set_num_threads(count);
  return count;
}

}  // namespace scatlight::train
