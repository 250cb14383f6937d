#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <cstdint>
#include <memory>
#include <optional>

namespace scatlight::bench {

/// Counts the bytes of torch's tensors on a device. On the CPU these are the tensors that the thread of the
/// meter has made since; memory that libraries take beside torch is not among them. On a GPU they are those
/// of all threads beyond what there was when the meter was made.
class MemoryMeter {
 public:
  explicit MemoryMeter(const at::Device& device);
  ~MemoryMeter();
  MemoryMeter(const MemoryMeter&) = delete;
  MemoryMeter& operator=(const MemoryMeter&) = delete;

  std::int64_t bytes() const;  ///< There are now.

  /// The most there were since the meter was made or restarted.
  std::int64_t peak_bytes() const;
  void restart_peak();

  /// Of a GPU: the most that torch's allocator held of the device since then, used or not.
  std::optional<std::int64_t> peak_reserved_bytes() const;

 private:
  class Reports;
  at::Device device_;
  std::shared_ptr<Reports> reports_;              // of the CPU's tensors
  std::optional<c10::DebugInfoGuard> listening_;  // to them
  std::int64_t allocated_before_ = 0;             // on a GPU
  std::int64_t reserved_before_ = 0;
};

/// Leaves `bytes` of a GPU to torch's allocator: a tensor takes the rest while this lives. Throws Error
/// when fewer are free. On the CPU it only throws, when the machine has less memory.
class MemoryLimit {
 public:
  MemoryLimit(const at::Device& device, std::int64_t bytes);

 private:
  at::Tensor ballast_;
};

/// Gives what torch's allocator keeps for later tensors back to a GPU.
void empty_cache(const at::Device& device);

}  // namespace scatlight::bench
