#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/footprint.h"
#include "bench/speed.h"
#include "train/json.h"

namespace scatlight::bench {

/// The paper's table 2 for some networks: speed and memory, each as measured on this machine.
struct BenchOptions {
  std::vector<std::string> networks = {"scatresnet50", "resnet50", "resnet101"};
  bool features = false;  ///< Bases of detectors in place of classifiers: the table's right half.
  int size = 224;         ///< Height and width of the images, in pixels.
  SpeedOptions speed = {};
  std::int64_t memory_bytes = 11'000'000'000;  ///< In which the largest batch is looked for: the paper's GPU.
  std::uint64_t seed = 0;                      ///< Of weights and images.
};

struct NetworkResult {
  Subject subject;
  InferenceSpeed inference;
  BatchTimes training;
  Footprint memory;
};

/// What the work reports while it runs.
struct BenchEvents {
  std::function<void(const char* stage, std::int64_t steps)> on_stage;  ///< 0 steps: nobody knows.
  std::function<void()> on_step;                                        ///< To end the work early it throws.
};

/// Measures the networks, in the order of the options. Throws Error for options out of range, before any
/// work, and when memory does not suffice.
std::vector<NetworkResult> run_bench(const BenchOptions& options, const BenchEvents& events);

/// Throws Error as run_bench() does before any work.
void check(const BenchOptions& options);

/// What holds for all networks of a measurement: device, precision, memory layouts, sizes.
train::Json conditions_json(const BenchOptions& options, double load);

train::Json to_json(const std::vector<NetworkResult>& results, const BenchOptions& options);

}  // namespace scatlight::bench
