#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

namespace scatlight {

/// Threads that help the callers of run(). Several threads may call run() at once: each works on its own
/// loop, and the helpers go where work is left.
class ThreadPool {
 public:
  /// `threads` counts the caller of run(), so threads - 1 helpers are started, at the first run().
  explicit ThreadPool(int threads) : threads_(threads) {}
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Runs body(0) ... body(count - 1) and returns when all are done. The first exception is rethrown here;
  /// the indices that were not begun by then are left out.
  void run(std::int64_t count, const std::function<void(std::int64_t)>& body);

 private:
  struct Loop {
    std::int64_t count;
    const std::function<void(std::int64_t)>* body;
    std::int64_t next = 0;
    int helpers = 0;
    std::exception_ptr error = nullptr;
  };

  void start_helpers();
  void help();
  void work_on(Loop& loop, std::unique_lock<std::mutex>& lock);

  const int threads_;
  std::mutex mutex_;
  std::condition_variable work_;  // a loop has begun, or the pool ends
  std::condition_variable done_;  // a helper has left a loop
  std::list<Loop*> loops_;
  std::vector<std::thread> helpers_;
  bool ending_ = false;
};

}  // namespace scatlight
