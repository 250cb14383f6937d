#include "train/map_stream.h"

#include <utility>

#include "train/infer.h"

namespace scatlight::train {

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
  return batch;
}

void MapStream::work() {
  try {
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
  return MappedBatch{.batch = std::move(*batch), .maps = std::move(maps)};
}

}  // namespace scatlight::train
