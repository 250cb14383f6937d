#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "bench/largest_batch.h"
#include "bench/subject.h"

namespace scatlight::bench {

/// Memory of a training step from maps that are there. All bytes are of torch's tensors.
struct StepMemory {
  std::int64_t images = 0;
  std::int64_t held_bytes = 0;  ///< After the forward pass: parameters, velocities, maps, what is kept.
  std::int64_t peak_bytes = 0;  ///< Of the whole step.
  std::optional<std::int64_t> reserved_bytes = std::nullopt;  ///< Of a GPU, by torch's allocator, at most.
  std::optional<std::int64_t> process_bytes = std::nullopt;   ///< On the CPU: of the whole process, at most.
};

struct Footprint {
  std::int64_t fixed_bytes = 0;  ///< Parameters, velocities, statistics of batch norms.
  /// Held for the backward pass by an image more, maps included: between the smallest and the largest batch
  /// that were tried.
  double kept_bytes_per_image = 0;
  std::int64_t counted_bytes_per_image = 0;  ///< The same as nets/cost.h counts it.
  std::vector<StepMemory> steps = {};        ///< In the order of the tries.
  LargestBatch largest = {};
};

/// Trains the network with batches of more and more images, to find the largest that fits into `bytes`.
/// On the CPU a batch fits if the peak of its tensors does; on a GPU if the step, and the one after it, run
/// with no more than these bytes left to torch's allocator. `on_step` is called after each step; to end the
/// work early it throws. Throws Error when no batch fits, and when there is less memory.
Footprint measure_memory(const Subject& subject, std::int64_t bytes, const torch_ops::Placement& placement,
                         const std::function<void()>& on_step);

/// Throws Error when it is clear without any work that no batch fits into `bytes`.
void check_memory(const Subject& subject, std::int64_t bytes, at::ScalarType precision);

}  // namespace scatlight::bench
