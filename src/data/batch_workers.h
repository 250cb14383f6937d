#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "data/left_out.h"
#include "data/loader_options.h"
#include "io/file.h"
#include "scatlight/error.h"

namespace scatlight::data {

/// Keeps the parts of `length` values at these ascending places, and moves them together.
template <class T>
void keep_parts(std::vector<T>& values, std::span<const std::size_t> places, std::size_t length = 1) {
  for (std::size_t to = 0; to < places.size(); ++to) {
    if (places[to] == to) continue;
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(places[to] * length);
    std::move(from, from + static_cast<std::ptrdiff_t>(length),
              values.begin() + static_cast<std::ptrdiff_t>(to * length));
  }
  values.resize(places.size() * length);
}

/// Makes the batches of an epoch ahead of their consumer on threads, and delivers them in order, bit-equal
/// whatever the number of threads. What a batch is, a Maker knows:
///
/// - `Batch` has number, count, planned, images (a vector) and indices (of samples);
/// - `batch_count()` is of the epoch;
/// - `open(batch)` gives a numbered batch all but its pixels, with memory for them;
/// - `make(batch, place)` makes a picture, on any thread; Error: its file is bad;
/// - `keep(batch, places)` keeps these pictures, in all but the indices;
/// - `file(index)` names a sample.
///
/// next(), recycle() and skipped() belong to one consumer at a time; data/loader.h says what they do.
template <class Maker>
class BatchWorkers {
 public:
  using Batch = typename Maker::Batch;

  /// The options are checked.
  BatchWorkers(Maker maker, const LoaderOptions& options)
      : maker_(std::move(maker)),
        skip_bad_(options.skip_bad),
        delivers_empty_(options.parts > 1),
        next_batch_(options.start_batch) {
    try {
      for (int i = 0; i < options.prefetch; ++i) open_batch();
      for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { work(); });
    } catch (...) {
      stop();
      throw;
    }
  }
  ~BatchWorkers() { stop(); }
  BatchWorkers(const BatchWorkers&) = delete;
  BatchWorkers& operator=(const BatchWorkers&) = delete;

  std::optional<Batch> next() {
    while (true) {
      auto pending = take_front();
      if (!pending) return std::nullopt;
      try {
        settle(*pending);
        open_batch();
      } catch (...) {
        stop();
        pending_.clear();
        throw;
      }
      if (pending->batch.count > 0 || delivers_empty_) return std::move(pending->batch);
      recycle(std::move(pending->batch));
    }
  }

  void recycle(Batch batch) { spare_ = std::move(batch.images); }
  std::int64_t batch_count() const { return maker_.batch_count(); }
  const std::vector<SkippedFile>& skipped() const { return skipped_; }

 private:
  /// A batch that workers fill. Its pictures are handed out one by one, so that all threads work on the same
  /// one.
  struct Pending {
    Batch batch;
    std::int64_t handed_out = 0;                        ///< Pictures given to workers.
    std::int64_t left = 0;                              ///< Pictures not finished.
    std::vector<std::optional<std::string>> bad_files;  ///< (count): why a file is bad.
    std::exception_ptr failure;                         ///< What is not a file's fault, such as no memory.
  };

  /// Adds the next batch of the epoch, if any, to those that workers fill.
  void open_batch() {
    if (next_batch_ >= batch_count()) return;
    auto pending = std::make_unique<Pending>();
    pending->batch.number = next_batch_++;
    pending->batch.images = std::move(spare_);
    maker_.open(pending->batch);
    pending->left = pending->batch.count;
    pending->bad_files.resize(static_cast<std::size_t>(pending->left));
    {
      const std::lock_guard lock(mutex_);
      pending_.push_back(std::move(pending));
    }
    work_changed_.notify_all();
  }

  /// Waits until the oldest batch is finished and takes it; nullptr when there is none.
  std::unique_ptr<Pending> take_front() {
    std::unique_lock lock(mutex_);
    if (pending_.empty()) return nullptr;
    batch_finished_.wait(lock, [this] { return pending_.front()->left == 0; });
    auto pending = std::move(pending_.front());
    pending_.pop_front();
    return pending;
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      Pending* pending = nullptr;
      work_changed_.wait(lock, [&] { return stopping_ || (pending = find_work()) != nullptr; });
      if (stopping_) return;
      const auto place = static_cast<std::size_t>(pending->handed_out++);
      lock.unlock();
      make_picture(*pending, place);
      lock.lock();
      if (--pending->left == 0) batch_finished_.notify_one();
    }
  }

  Pending* find_work() const {
    const auto found = std::ranges::find_if(
        pending_, [](const auto& pending) { return pending->handed_out < pending->batch.count; });
    return found == pending_.end() ? nullptr : found->get();
  }

  void make_picture(Pending& pending, std::size_t place) {
    try {
      maker_.make(pending.batch, place);
    } catch (const io::FileChanged&) {  // not one bad picture: all of an archive
      const std::lock_guard lock(mutex_);
      pending.failure = std::current_exception();
    } catch (const Error& error) {
      pending.bad_files[place] = error.what();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      pending.failure = std::current_exception();
    }
  }

  /// Throws the batch's first error, or takes the bad files out of it.
  void settle(Pending& pending) {
    if (pending.failure) rethrow(pending.failure);
    auto& batch = pending.batch;
    std::vector<std::size_t> good;
    for (std::size_t place = 0; place < pending.bad_files.size(); ++place) {
      const auto& reason = pending.bad_files[place];
      if (!reason) {
        good.push_back(place);
      } else if (skip_bad_) {
        skipped_.push_back({.file = maker_.file(batch.indices[place]), .reason = *reason});
      } else {
        throw Error(*reason);
      }
    }
    if (std::ssize(good) == batch.count) return;
    maker_.keep(batch, good);
    keep_parts(batch.indices, std::span<const std::size_t>(good));
    batch.count = std::ssize(good);
  }

  [[noreturn]] static void rethrow(const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::bad_alloc&) {
      throw Error("no memory left to decode pictures; fewer loader threads or a smaller batch need less");
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_changed_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  const Maker maker_;
  const bool skip_bad_;
  const bool delivers_empty_;

  // Of the consumer alone.
  std::int64_t next_batch_;
  decltype(Batch::images) spare_;
  std::vector<SkippedFile> skipped_;
  std::vector<std::thread> threads_;

  // One mutex guards these; pictures are made outside of it, each in its own part of a batch.
  std::mutex mutex_;
  std::condition_variable work_changed_;
  std::condition_variable batch_finished_;
  std::deque<std::unique_ptr<Pending>> pending_;
  bool stopping_ = false;
};

}  // namespace scatlight::data
