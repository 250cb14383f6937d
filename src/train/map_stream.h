#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/StreamGuard.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <queue>
#include <thread>
#include <utility>

#include "core/parallel_for.h"

namespace scatlight::train {

/// The calling thread's stream on a GPU, and another one.
c10::Stream current_stream(const at::Device& gpu);
c10::Stream new_stream(const at::Device& gpu);

/// Computes the front end of a network one batch ahead, on a thread of its own and on a GPU on a stream of
/// its own, in the shadow of the training of the batch before.
///
/// On the CPU the thread works in the gaps that the steps leave: at their priority it would hold up one of
/// the threads that share a step, and the others wait for that one. Where there are no gaps, as on one core
/// or beside other work, the consumer computes the maps itself.
template <class Batch>
class MapStream {
 public:
  struct Mapped {
    Batch batch;
    at::Tensor maps;  ///< On the network's device; none of a batch without images.
  };

  /// `next` gives the batches, nothing after the last, and is called only on the stream's thread; `make_maps`
  /// may leave the maps in the batch's memory, and may be called for two batches at once.
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
    if (!wait_for_thread(lock)) return take_over(lock);
    if (ready_.empty()) {
      if (failure_) std::rethrow_exception(failure_);
      return std::nullopt;
    }
    auto batch = std::move(ready_.front());
    ready_.pop();
    changed_.notify_all();
    // Their memory is of the other stream, which must not have it back before this one has read them.
    if (device_.is_cuda() && batch.maps.defined()) batch.maps.record_stream(current_stream(device_));
    return batch;
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Whether the thread has the next batch or the end; otherwise it has a batch in work that it is too slow
  /// for.
  bool wait_for_thread(std::unique_lock<std::mutex>& lock) {
    const auto is_done = [this] { return !ready_.empty() || at_end_; };
    changed_.wait(lock, [&] { return is_done() || (in_work_ && device_.is_cpu()); });
    if (is_done()) return true;
    keeps_up_ = keeps_up_ && changed_.wait_for(lock, patience_, is_done);
    return keeps_up_;
  }

  /// Computes the maps of the batch in work here. The thread's own come too late, and are dropped.
  Mapped take_over(std::unique_lock<std::mutex>& lock) {
    auto batch = *in_work_;  // a copy, as the thread still reads it
    in_work_ = nullptr;
    taken_over_ = Clock::now();
    lock.unlock();
    auto maps = make_maps_(batch);
    lock.lock();
    // A thread that works in gaps ends within this; one that has no time takes many times longer.
    patience_ = 2 * (Clock::now() - taken_over_);
    return {.batch = std::move(batch), .maps = std::move(maps)};
  }

  void work() {
    c10::OptionalStreamGuard own_stream;
    try {
      if (device_.is_cuda())
        own_stream.reset_stream(new_stream(device_));
      else
        work_in_background();
      while (auto batch = next_()) {
        if (!deliver(std::move(*batch))) return;
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    at_end_ = true;
    changed_.notify_all();
  }

  /// Computes the maps of a batch, and waits until the next one may begin. False: the stream ends.
  bool deliver(Batch batch) {
    at::Tensor maps;
    if (batch.count > 0) {
      announce(&batch);
      maps = make_maps_(batch);
      if (maps.is_cuda()) current_stream(maps.device()).synchronize();
    }
    std::unique_lock lock(mutex_);
    if (batch.count == 0 || in_work_) {
      in_work_ = nullptr;
      ready_.push({.batch = std::move(batch), .maps = std::move(maps)});
      changed_.notify_all();
    } else {
      keeps_up_ = Clock::now() - taken_over_ <= patience_;
    }
    changed_.wait(lock, [this] { return ready_.size() < 2 || stopped_; });
    return !stopped_;
  }

  void announce(const Batch* batch) {
    const std::lock_guard lock(mutex_);
    in_work_ = batch;
    changed_.notify_all();
  }

  std::function<std::optional<Batch>()> next_;
  std::function<at::Tensor(Batch&)> make_maps_;
  at::Device device_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::queue<Mapped> ready_;        // at most 2
  const Batch* in_work_ = nullptr;  // the thread's, until it is finished or taken over
  std::exception_ptr failure_;
  bool at_end_ = false;
  bool stopped_ = false;
  bool keeps_up_ = false;  // the thread, so that waiting for it is worth while
  Clock::time_point taken_over_;
  Clock::duration patience_ = std::chrono::seconds(1);
  std::thread thread_;
};

}  // namespace scatlight::train
