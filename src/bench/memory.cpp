#include "bench/memory.h"

#include <ATen/ops/empty.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <fmt/format.h>

#include <atomic>

#include "io/machine.h"
#include "scatlight/error.h"

namespace scatlight::bench {
namespace {

c10::DeviceAllocator& allocator_of(const at::Device& gpu) { return *c10::getDeviceAllocator(gpu.type()); }

/// Of all sizes of blocks together.
const c10::CachingAllocator::Stat& total(const c10::CachingAllocator::StatArray& stats) {
  return stats[static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE)];
}

c10::CachingDeviceAllocator::DeviceStats stats_of(const at::Device& gpu) {
  return allocator_of(gpu).getDeviceStats(gpu.index());
}

}  // namespace

/// torch notifies it of every tensor that the thread makes or frees.
class MemoryMeter::Reports : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void* /*ptr*/, std::int64_t size, std::size_t /*allocated*/,
                         std::size_t /*reserved*/, c10::Device device) override {
    if (!device.is_cpu()) return;
    const auto now = bytes_ += size;
    auto peak = peak_.load();
    while (now > peak && !peak_.compare_exchange_weak(peak, now)) {
    }
  }
  bool memoryProfilingEnabled() const override { return true; }

  std::int64_t bytes() const { return bytes_; }
  std::int64_t peak() const { return peak_; }
  void restart_peak() { peak_ = bytes_.load(); }

 private:
  std::atomic<std::int64_t> bytes_ = 0;
  std::atomic<std::int64_t> peak_ = 0;
};

MemoryMeter::MemoryMeter(const at::Device& device) : device_(device) {
  if (device.is_cpu()) {
    reports_ = std::make_shared<Reports>();
    listening_.emplace(c10::DebugInfoKind::PROFILER_STATE, reports_);
  } else {
    const auto stats = stats_of(device);
    allocated_before_ = total(stats.allocated_bytes).current;
    reserved_before_ = total(stats.reserved_bytes).current;
  }
}

MemoryMeter::~MemoryMeter() = default;

std::int64_t MemoryMeter::bytes() const {
  return reports_ ? reports_->bytes() : total(stats_of(device_).allocated_bytes).current - allocated_before_;
}

std::int64_t MemoryMeter::peak_bytes() const {
  return reports_ ? reports_->peak() : total(stats_of(device_).allocated_bytes).peak - allocated_before_;
}

void MemoryMeter::restart_peak() {
  if (reports_) {
    reports_->restart_peak();
  } else {
    allocator_of(device_).resetPeakStats(device_.index());
  }
}

std::optional<std::int64_t> MemoryMeter::peak_reserved_bytes() const {
  if (reports_) return std::nullopt;
  return total(stats_of(device_).reserved_bytes).peak - reserved_before_;
}

MemoryLimit::MemoryLimit(const at::Device& device, std::int64_t bytes) {
  empty_cache(device);
  std::int64_t free = io::free_memory_bytes();
  if (!device.is_cpu())
    free = static_cast<std::int64_t>(allocator_of(device).getMemoryInfo(device.index()).first);
  if (free < bytes && (free > 0 || !device.is_cpu())) {
    throw Error(
        fmt::format("a memory of {:.4g} GB is asked for, and {:.4g} GB of the {} are free: --memory asks for "
                    "less",
                    bytes / 1e9, free / 1e9, device.is_cpu() ? "machine" : "GPU"));
  }
  if (!device.is_cpu() && free > bytes)
    ballast_ = at::empty({free - bytes}, at::TensorOptions(device).dtype(at::kByte));
}

void empty_cache(const at::Device& device) {
  if (!device.is_cpu()) allocator_of(device).emptyCache();
}

}  // namespace scatlight::bench
