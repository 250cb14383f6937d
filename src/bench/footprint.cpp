#include "bench/footprint.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>

#include "bench/memory.h"
#include "io/machine.h"
#include "scatlight/error.h"

namespace scatlight::bench {
namespace {

[[noreturn]] void fail_as_too_small(const Subject& subject, std::int64_t memory, std::int64_t needed) {
  throw Error(
      fmt::format("a memory of {:.4g} GB holds no batch of {}: {} {} at {} x {} pixels need more than {}",
                  memory / 1e9, subject.options.name, smallest_batch(subject),
                  smallest_batch(subject) == 1 ? "image" : "images", subject.options.height,
                  subject.options.width, needed > 0 ? fmt::format("{:.4g} GB", needed / 1e9) : "that"));
}

/// What an image more holds. A single step has what the batch keeps beside, such as its statistics.
double kept_bytes(const Footprint& found) {
  const auto& first = found.steps.front();
  const auto& last = *std::ranges::max_element(found.steps, {}, &StepMemory::images);
  if (last.images == first.images)
    return static_cast<double>(first.held_bytes - found.fixed_bytes) / static_cast<double>(first.images);
  return static_cast<double>(last.held_bytes - first.held_bytes) /
         static_cast<double>(last.images - first.images);
}

class Tries {
 public:
  Tries(const Subject& subject, const torch_ops::Placement& placement, const std::function<void()>& on_step)
      : subject_(subject), placement_(placement), on_step_(on_step), meter_(placement.device) {
    training_.emplace(subject_, placement_);
  }

  std::int64_t fixed_bytes() const { return meter_.bytes(); }

  /// Of the last one of some steps in a row; nothing where a GPU's memory does not suffice.
  std::optional<StepMemory> attempt(std::int64_t images, int steps) {
    try {
      for (int i = 1; i < steps; ++i) step(images);
      return step(images);
    } catch (const c10::OutOfMemoryError&) {
      // A broken pass leaves gradients and pieces of memory behind.
      training_.reset();
      empty_cache(placement_.device);
      training_.emplace(subject_, placement_);
      return std::nullopt;
    }
  }

 private:
  StepMemory step(std::int64_t images) {
    const auto& device = placement_.device;
    const auto maps = training_->network().maps(random_images(subject_, images, device));
    const auto labels = random_labels(subject_, images, device);
    meter_.restart_peak();
    const bool sees_process = device.is_cpu() && io::restart_peak_memory();
    const auto loss = training_->loss(maps, labels);
    StepMemory memory = {.images = images, .held_bytes = meter_.bytes()};
    training_->finish(loss);
    memory.peak_bytes = meter_.peak_bytes();
    memory.reserved_bytes = meter_.peak_reserved_bytes();
    if (sees_process) memory.process_bytes = io::peak_memory_bytes();
    on_step_();
    return memory;
  }

  const Subject& subject_;
  torch_ops::Placement placement_;
  const std::function<void()>& on_step_;
  MemoryMeter meter_;
  std::optional<TrainingStep> training_;
};

}  // namespace

Footprint measure_memory(const Subject& subject, std::int64_t bytes, const torch_ops::Placement& placement,
                         const std::function<void()>& on_step) try {
  check_memory(subject, bytes, placement.precision);
  const MemoryLimit limit(placement.device, bytes);
  Tries tries(subject, placement, on_step);
  Footprint found = {.fixed_bytes = tries.fixed_bytes(),
                     .counted_bytes_per_image = counted_bytes(subject, placement.precision)};
  const auto smallest = smallest_batch(subject);
  // A second step needs what a first one leaves behind, and on a GPU other pieces of memory.
  const auto first = tries.attempt(smallest, 2);
  if (!first || first->peak_bytes > bytes) fail_as_too_small(subject, bytes, first ? first->peak_bytes : 0);
  found.steps.push_back(*first);
  // What is held at the end of the forward pass is the least that a batch needs; three quarters of the images
  // that it leaves room for fit, and give a line.
  const auto room = static_cast<double>(bytes - first->held_bytes);
  const auto guess = 0.75 * room / static_cast<double>(found.counted_bytes_per_image);
  found.largest = find_largest_batch(
      bytes, smallest, first->peak_bytes, static_cast<std::int64_t>(guess), [&](std::int64_t images) {
        const auto step = tries.attempt(images, placement.device.is_cpu() ? 1 : 2);
        if (!step) return BatchTry{};
        found.steps.push_back(*step);
        return BatchTry{.fits = step->peak_bytes <= bytes, .bytes = step->peak_bytes};
      });
  found.kept_bytes_per_image = kept_bytes(found);
  return found;
} catch (const c10::OutOfMemoryError&) {
  fail_as_too_small(subject, bytes, 0);
}

void check_memory(const Subject& subject, std::int64_t bytes, at::ScalarType precision) {
  constexpr std::int64_t float_bytes = 4;
  // Parameters and, but for frozen ones, velocities, with what the smallest batch keeps.
  const auto needed = (subject.parts ? 1 : 2) * float_bytes * cost_of(subject).parameters +
                      smallest_batch(subject) * counted_bytes(subject, precision);
  if (needed > bytes) fail_as_too_small(subject, bytes, needed);
}

}  // namespace scatlight::bench
