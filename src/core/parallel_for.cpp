#include "core/parallel_for.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace scatlight {
namespace {

struct Loop {
  int threads;  // at most
  std::int64_t count;
  const std::function<void(std::int64_t)>* body;
  std::int64_t next = 0;
  int helpers = 0;
  std::exception_ptr error = nullptr;

  bool wants_help() const { return next < count && helpers + 1 < threads; }
};

constexpr int lowest_priority = 19;

/// Of the calling thread: on Linux each has its own.
void lower_priority() { setpriority(PRIO_PROCESS, 0, lowest_priority); }

class Helpers {
 public:
  /// Called by each of them first.
  explicit Helpers(void (*begin)()) : begin_(begin) {}

  void run(Loop& loop) {
    std::unique_lock lock(mutex_);
    start(loop.threads - 1);
    loops_.push_back(&loop);
    work_.notify_all();
    work_on(loop, lock);
    std::erase(loops_, &loop);
    done_.wait(lock, [&] { return loop.helpers == 0; });
  }

 private:
  void start(int helpers) {
    while (static_cast<int>(threads_.size()) < helpers) {
      try {
        threads_.emplace_back([this] { help(); });
      } catch (const std::system_error&) {
        return;  // the process may have no more: those that there are do the work
      }
    }
  }

  [[noreturn]] void help() {
    begin_();
    std::unique_lock lock(mutex_);
    const auto wants_help = [](const Loop* loop) { return loop->wants_help(); };
    while (true) {
      work_.wait(lock, [&] { return std::any_of(loops_.begin(), loops_.end(), wants_help); });
      Loop& loop = **std::find_if(loops_.begin(), loops_.end(), wants_help);
      ++loop.helpers;
      work_on(loop, lock);
      --loop.helpers;
      done_.notify_all();
    }
  }

  static void work_on(Loop& loop, std::unique_lock<std::mutex>& lock) {
    while (loop.next < loop.count) {
      const auto index = loop.next++;
      lock.unlock();
      std::exception_ptr error;
      try {
        (*loop.body)(index);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (error) {
        if (!loop.error) loop.error = error;
        loop.next = loop.count;
      }
    }
  }

  void (*begin_)();
  std::mutex mutex_;
  std::condition_variable work_;  // a loop has begun
  std::condition_variable done_;  // a helper has left a loop
  std::vector<Loop*> loops_;
  std::vector<std::thread> threads_;
};

// Never destroyed, as the threads wait for work until the process ends. The threads do not come along through
// fork(), and the mutex may be locked by one that stayed behind: the child leaves all of it and begins anew.
Helpers* helpers = nullptr;
Helpers* background_helpers = nullptr;
thread_local bool in_background = false;

void make_helpers() {
  helpers = new Helpers([] {});
  background_helpers = new Helpers(lower_priority);
}

Helpers& helpers_of_thread() {
  static const bool made = [] {
    make_helpers();
    pthread_atfork(nullptr, nullptr, make_helpers);
    return true;
  }();
  static_cast<void>(made);
  return in_background ? *background_helpers : *helpers;
}

}  // namespace

void parallel_for(int threads, std::int64_t count, const std::function<void(std::int64_t)>& body) {
  if (threads <= 1 || count <= 1) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  Loop loop{
      .threads = static_cast<int>(std::min<std::int64_t>(threads, count)), .count = count, .body = &body};
  helpers_of_thread().run(loop);
  if (loop.error) std::rethrow_exception(loop.error);
}

ParallelFor choose_threads(const ScatteringOptions& resolved) {
  if (resolved.parallel_for) return resolved.parallel_for;
  return [threads = resolved.threads](std::int64_t count, const std::function<void(std::int64_t)>& body) {
    parallel_for(threads, count, body);
  };
}

void work_in_background() {
  lower_priority();
  in_background = true;
}

}  // namespace scatlight
