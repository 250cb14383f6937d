#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/StreamGuard.h>

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace scatlight::train {

/// The calling thread's stream on a GPU, and another one.
c10::Stream current_stream(const at::Device& gpu);
c10::Stream new_stream(const at::Device& gpu);

/// Computes the front end of a network one batch ahead, on a thread of its own and on a GPU on a stream of
/// its own, in the shadow of the training of the batch before.
template <class Batch>
class MapStream {
 public:
  struct Mapped {
    Batch batch;
    at::Tensor maps;  ///< On the network's device; none of a batch without images.
  };

  /// `next` gives the batches, nothing after the last; `make_maps` may leave the maps in the batch's memory.
  /// Both are called only on the stream's thread, until it is destroyed.
  MapStream(std::function<std::optional<Batch>()> next, std::function<at::Tensor(Batch&)> make_maps,
            const at::Device& device)
      : next_(std::move(next)),
        make_maps_(std::move(make_maps)),
        device_(device),
        thread_([this] { work(); }) {}

  /// Waits for at most the batch in work.
  ~MapStream() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  MapStream(const MapStream&) = delete;
  MapStream& operator=(const MapStream&) = delete;

  /// The next batch, whose maps are complete, or nothing after the last. Throws what `next` or `make_maps`
  /// threw, in that batch's turn.
  std::optional<Mapped> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ready_ || at_end_; });
    if (!ready_) {
      if (failure_) std::rethrow_exception(failure_);
      return std::nullopt;
    }
    auto batch = std::exchange(ready_, std::nullopt);
    changed_.notify_all();
    // Their memory is of the other stream, which must not have it back before this one has read them.
    if (device_.is_cuda() && batch->maps.defined()) batch->maps.record_stream(current_stream(device_));
    return batch;
  }

 private:
  void work() {
    c10::OptionalStreamGuard own_stream;
    try {
      if (device_.is_cuda()) own_stream.reset_stream(new_stream(device_));
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

  std::optional<Mapped> make() {
    auto batch = next_();
    if (!batch) return std::nullopt;
    if (batch->count == 0) return Mapped{.batch = std::move(*batch), .maps = {}};
    auto maps = make_maps_(*batch);
    if (maps.is_cuda()) current_stream(maps.device()).synchronize();
    return Mapped{.batch = std::move(*batch), .maps = std::move(maps)};
  }

  std::function<std::optional<Batch>()> next_;
  std::function<at::Tensor(Batch&)> make_maps_;
  at::Device device_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::optional<Mapped> ready_;
  std::exception_ptr failure_;
  bool at_end_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace scatlight::train
