#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/StreamGuard.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
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

  /// `next` gives the batches, nothing after the last, and is called by one thread at a time; `make_maps` may
  /// leave the maps in the batch's memory, and may be called for two batches at once.
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
    wait_for_thread(lock);
    if (!is_ready()) return make_here(lock);
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
  static constexpr std::size_t most_ready = 2;

  bool is_ready() const { return !ready_.empty() || at_end_; }

  /// Until the next batch is there, or the end; or until the thread has another one in work, and waiting for
  /// it takes longer than computing the maps here. Vain waits become rare.
  void wait_for_thread(std::unique_lock<std::mutex>& lock) {
    constexpr int most_skipped = 63;
    const auto may_go_on = [this] { return is_ready() || (device_.is_cpu() && (in_work_ || is_late_)); };
    changed_.wait(lock, may_go_on);
    if (is_ready()) return;
    if (skipped_waits_ > 0) {
      --skipped_waits_;
    } else if (changed_.wait_for(lock, patience_, [this] { return is_ready(); })) {
      vain_waits_ = 0;
    } else {
      vain_waits_ = skipped_waits_ = std::min(2 * vain_waits_ + 1, most_skipped);
    }
    changed_.wait(lock, may_go_on);
  }

  /// Computes the maps of the next batch here. If it is in work, the thread's own will come too late, and are
  /// dropped.
  std::optional<Mapped> make_here(std::unique_lock<std::mutex>& lock) {
    std::optional<Batch> batch;
    if (in_work_) {
      batch = *in_work_;  // a copy, as the thread still reads it
      in_work_ = nullptr;
      is_late_ = true;
    } else {
      batch = fetch(lock);
    }
    if (!batch) return std::nullopt;
    lock.unlock();
    const auto begin = std::chrono::steady_clock::now();
    auto maps = make_maps(*batch);
    patience_ = 2 * (std::chrono::steady_clock::now() - begin);
    return Mapped{.batch = std::move(*batch), .maps = std::move(maps)};
  }

  /// The next batch, or nothing at the end. Unlocked meanwhile.
  std::optional<Batch> fetch(std::unique_lock<std::mutex>& lock) {
    is_fetching_ = true;
    lock.unlock();
    std::optional<Batch> batch;
    std::exception_ptr failure;
    try {
      batch = next_();
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    is_fetching_ = false;
    at_end_ = !batch;
    failure_ = failure;
    changed_.notify_all();
    if (failure) std::rethrow_exception(failure);
    return batch;
  }

  /// None of a batch without images.
  at::Tensor make_maps(Batch& batch) const {
    if (batch.count == 0) return {};
    auto maps = make_maps_(batch);
    if (maps.is_cuda()) current_stream(maps.device()).synchronize();
    return maps;
  }

  void work() {
    try {
      if (device_.is_cuda()) {
        const c10::StreamGuard own_stream(new_stream(device_));
        deliver_all();
      } else {
        work_in_background();
        deliver_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      at_end_ = true;
      changed_.notify_all();
    }
  }

  void deliver_all() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock,
                    [this] { return stopped_ || at_end_ || (!is_fetching_ && ready_.size() < most_ready); });
      if (stopped_ || at_end_) return;
      auto batch = fetch(lock);
      if (!batch) return;
      in_work_ = &*batch;
      lock.unlock();
      auto maps = make_maps(*batch);
      lock.lock();
      if (in_work_) ready_.push({.batch = std::move(*batch), .maps = std::move(maps)});
      in_work_ = nullptr;
      is_late_ = false;
      changed_.notify_all();
    }
  }

  std::function<std::optional<Batch>()> next_;
  std::function<at::Tensor(Batch&)> make_maps_;
  at::Device device_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::queue<Mapped> ready_;
  bool is_fetching_ = false;        // either the consumer or the thread
  const Batch* in_work_ = nullptr;  // the thread's, until it is finished or taken over
  bool is_late_ = false;            // the thread, with a batch that was taken over
  std::exception_ptr failure_;
  bool at_end_ = false;
  bool stopped_ = false;
  std::chrono::steady_clock::duration patience_ = {};  // of the consumer
  int skipped_waits_ = 0;
  int vain_waits_ = 0;
  std::thread thread_;
};

}  // namespace scatlight::train
