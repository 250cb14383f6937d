#include "core/thread_pool.h"

#include <algorithm>
#include <exception>

namespace scatlight {

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  work_.notify_all();
  for (auto& helper : helpers_) helper.join();
}

void ThreadPool::run(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  if (threads_ <= 1 || count <= 1) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  Loop loop{.count = count, .body = &body};
  std::unique_lock lock(mutex_);
  start_helpers();
  loops_.push_back(&loop);
  work_.notify_all();
  work_on(loop, lock);
  loops_.remove(&loop);
  done_.wait(lock, [&] { return loop.helpers == 0; });
  if (loop.error) std::rethrow_exception(loop.error);
}

void ThreadPool::start_helpers() {
  while (static_cast<int>(helpers_.size()) < threads_ - 1) helpers_.emplace_back([this] { help(); });
}

void ThreadPool::help() {
  std::unique_lock lock(mutex_);
  const auto has_work = [](const Loop* loop) { return loop->next < loop->count; };
  while (true) {
    work_.wait(lock, [&] { return ending_ || std::any_of(loops_.begin(), loops_.end(), has_work); });
    if (ending_) return;
    Loop& loop = **std::find_if(loops_.begin(), loops_.end(), has_work);
    ++loop.helpers;
    work_on(loop, lock);
    --loop.helpers;
    done_.notify_all();
  }
}

void ThreadPool::work_on(Loop& loop, std::unique_lock<std::mutex>& lock) {
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

}  // namespace scatlight
