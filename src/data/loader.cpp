#include "data/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <span>
#include <thread>
#include <utility>

#include "scatlight/error.h"

namespace scatlight::data {
namespace {

constexpr int most_threads = 256;
constexpr std::int64_t largest_batch = 1 << 20;
/// The counter of CounterRandom that no sample has: the order's own.
constexpr auto order_index = ~std::uint64_t{0};

LoaderOptions checked(LoaderOptions options, std::int64_t samples) {
  const auto check = [](const char* what, std::int64_t value, std::int64_t least, std::int64_t most) {
    if (value < least || value > most) {
      throw Error(fmt::format("{} {}: {} to {} is accepted", what, value, least, most));
    }
  };
  check("batch size", options.batch_size, 1, largest_batch);
  check("loader threads", options.threads, 0, most_threads);
  check("prefetched batches", options.prefetch, 1, 1024);
  check("most pixels of a picture", options.max_pixels, 1, largest_max_pixels);
  check("epoch", options.epoch, 0, std::int64_t{1} << 40);
  check("first batch", options.start_batch, 0, part_count(samples, options.batch_size));
  if (options.threads == 0) {
    options.threads = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, most_threads);
  }
  return options;
}

/// A batch that workers fill. Its pictures are handed out one by one, so that all threads work on the same
/// one.
struct Pending {
  Batch batch;
  std::int64_t handed_out = 0;                        ///< Pictures given to workers.
  std::int64_t left = 0;                              ///< Pictures not finished.
  std::vector<std::optional<std::string>> bad_files;  ///< (count): why a file is bad.
  std::exception_ptr failure;                         ///< What is not a file's fault, such as no memory.
};

}  // namespace

/// One mutex guards all that is not constant; pictures are made outside of it, each in its own part of a
/// batch.
class Loader::Workers {
 public:
  Workers(const ImageFolder& folder, const Recipe& recipe, const LoaderOptions& options)
      : folder_(folder),
        recipe_(recipe),
        options_(checked(options, static_cast<std::int64_t>(folder.samples.size()))),
        order_(make_order()),
        next_batch_(options_.start_batch) {
    try {
      for (int i = 0; i < options_.prefetch; ++i) open_batch();
      for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { work(); });
    } catch (...) {
      stop();
      throw;
    }
  }

  ~Workers() { stop(); }

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
      if (pending->batch.count > 0) return std::move(pending->batch);
      recycle(std::move(pending->batch));
    }
  }

  void recycle(Batch batch) { spare_ = std::move(batch.images); }

  std::int64_t batch_count() const { return part_count(std::ssize(folder_.samples), options_.batch_size); }

  const std::vector<SkippedFile>& skipped() const { return skipped_; }

 private:
  std::vector<std::int64_t> make_order() const {
    const auto samples = static_cast<std::int64_t>(folder_.samples.size());
    if (options_.shuffle) return shuffled_order(samples, options_.seed, options_.epoch);
    std::vector<std::int64_t> order(folder_.samples.size());
    std::iota(order.begin(), order.end(), 0);
    return order;
  }

  /// Adds the next batch of the epoch, if any, to those that workers fill.
  void open_batch() {
    if (next_batch_ >= batch_count()) return;
    auto pending = std::make_unique<Pending>();
    const auto [first, count] = even_part(std::ssize(order_), options_.batch_size, next_batch_);
    auto& batch = pending->batch;
    batch.number = next_batch_++;
    batch.count = pending->left = count;
    batch.indices.assign(order_.begin() + first, order_.begin() + first + count);
    for (const auto index : batch.indices)
      batch.labels.push_back(folder_.samples[static_cast<std::size_t>(index)].label);
    batch.images = std::move(spare_);
    try {
      batch.images.resize(static_cast<std::size_t>(batch.count) * recipe_.result_count());
    } catch (const std::bad_alloc&) {
      const auto size = recipe_.options().size;
      throw Error(
          fmt::format("no memory left for a batch of {} pictures of {} x {}", batch.count, size, size));
    }
    pending->bad_files.resize(static_cast<std::size_t>(batch.count));
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
      const auto position = static_cast<std::size_t>(pending->handed_out++);
      lock.unlock();
      make_picture(*pending, position);
      lock.lock();
      if (--pending->left == 0) batch_finished_.notify_one();
    }
  }

  Pending* find_work() const {
    const auto found = std::ranges::find_if(
        pending_, [](const auto& pending) { return pending->handed_out < pending->batch.count; });
    return found == pending_.end() ? nullptr : found->get();
  }

  void make_picture(Pending& pending, std::size_t position) {
    const auto index = pending.batch.indices[position];
    const auto count = recipe_.result_count();
    const auto result = std::span(pending.batch.images).subspan(position * count, count);
    try {
      const auto encoded =
          EncodedImage::open(folder_.samples[static_cast<std::size_t>(index)].file, options_.max_pixels);
      if (options_.augment) {
        CounterRandom random(options_.seed, static_cast<std::uint64_t>(options_.epoch),
                             static_cast<std::uint64_t>(index));
        recipe_.augment(encoded, random, result);
      } else {
        recipe_.evaluate(encoded.decode(), result);
      }
    } catch (const Error& error) {
      pending.bad_files[position] = error.what();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      pending.failure = std::current_exception();
    }
  }

  /// Throws the batch's first error, or takes the bad files out of it.
  void settle(Pending& pending) {
    if (pending.failure) rethrow(pending.failure);
    auto& batch = pending.batch;
    const auto length = static_cast<std::ptrdiff_t>(recipe_.result_count());
    std::ptrdiff_t kept = 0;
    for (std::ptrdiff_t i = 0; i < batch.count; ++i) {
      const auto from = static_cast<std::size_t>(i);
      if (const auto& reason = pending.bad_files[from]) {
        if (!options_.skip_bad) throw Error(*reason);
        const auto& file = folder_.samples[static_cast<std::size_t>(batch.indices[from])].file;
        skipped_.push_back({.file = file.native(), .reason = *reason});
        continue;
      }
      const auto to = static_cast<std::size_t>(kept);
      if (from != to) {
        batch.indices[to] = batch.indices[from];
        batch.labels[to] = batch.labels[from];
        std::copy_n(batch.images.begin() + i * length, length, batch.images.begin() + kept * length);
      }
      ++kept;
    }
    batch.count = kept;
    batch.indices.resize(static_cast<std::size_t>(kept));
    batch.labels.resize(static_cast<std::size_t>(kept));
    batch.images.resize(static_cast<std::size_t>(kept * length));
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

  const ImageFolder& folder_;
  const Recipe& recipe_;
  const LoaderOptions options_;
  const std::vector<std::int64_t> order_;

  // Of the consumer alone.
  std::int64_t next_batch_;
  std::vector<float> spare_;
  std::vector<SkippedFile> skipped_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;
  std::condition_variable work_changed_;
  std::condition_variable batch_finished_;
  std::deque<std::unique_ptr<Pending>> pending_;
  bool stopping_ = false;
};

Loader::Loader(const ImageFolder& folder, const Recipe& recipe, const LoaderOptions& options)
    : workers_(std::make_unique<Workers>(folder, recipe, options)) {}
Loader::~Loader() = default;
std::optional<Batch> Loader::next() { return workers_->next(); }
void Loader::recycle(Batch batch) { workers_->recycle(std::move(batch)); }
std::int64_t Loader::batch_count() const { return workers_->batch_count(); }
const std::vector<SkippedFile>& Loader::skipped() const { return workers_->skipped(); }

std::int64_t part_count(std::int64_t count, std::int64_t largest) { return (count + largest - 1) / largest; }

Part even_part(std::int64_t count, std::int64_t largest, std::int64_t index) {
  const auto parts = part_count(count, largest);
  const auto first = count * index / parts;
  return {.first = first, .count = count * (index + 1) / parts - first};
}

std::vector<std::int64_t> shuffled_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  CounterRandom random(seed, static_cast<std::uint64_t>(epoch), order_index);
  for (auto i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

}  // namespace scatlight::data
