#include "train/map_stream.h"

#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <utility>

#include "train/infer.h"

namespace scatlight::train {
namespace {

/// The calling thread's stream on a GPU.
c10::Stream current_stream(const at::Device& gpu) {
  return c10::impl::VirtualGuardImpl(gpu.type()).getStream(gpu);
}

c10::Stream new_stream(const at::Device& gpu) {
  return c10::impl::VirtualGuardImpl(gpu.type()).getStreamFromGlobalPool(gpu);
}

}  // namespace

MapStream::MapStream(data::Loader& loader, const nets::Network& network)
    : loader_(loader), network_(network), thread_([this] { work(); }) {}

MapStream::~MapStream() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::optional<MappedBatch> MapStream::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ready_ || at_end_; });
  if (!ready_) {
    if (failure_) std::rethrow_exception(failure_);
    return std::nullopt;
  }
  auto batch = std::exchange(ready_, std::nullopt);
  changed_.notify_all();
  // Their memory is of the other stream, which must not have it back before this one has read them.
  if (network_.device().is_cuda()) batch->maps.record_stream(current_stream(network_.device()));
  return batch;
}

void MapStream::work() {
  const auto device = network_.device();
  c10::OptionalStreamGuard own_stream;
  try {
    if (device.is_cuda()) own_stream.reset_stream(new_stream(device));
    while (auto batch = make()) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !ready_ || stopped_; });
      if (stopped_) return;
      ready_ = std::move(batch);
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  at_end_ = true;
  changed_.notify_all();
}

std::optional<MappedBatch> MapStream::make() {
  auto batch = loader_.next();
  if (!batch) return std::nullopt;
  const auto images = images_of(*batch);
  auto maps = network_.maps(images);
  if (maps.is_cuda()) current_stream(maps.device()).synchronize();
  return MappedBatch{.batch = std::move(*batch), .maps = std::move(maps)};
}

}  // namespace scatlight::train
