#include "server/worker_pool.h"

#include <utility>

namespace bitbudget::server {

WorkerPool::WorkerPool(int thread_count, int queue_limit) : queue_limit_(queue_limit) {
  for (int i = 0; i < thread_count; ++i) threads_.emplace_back([this] { Work(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  has_news_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::TryRun(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (static_cast<int>(queue_.size()) >= queue_limit_) return false;
  queue_.push_back(std::move(task));
  has_news_.notify_one();
  return true;
}

void WorkerPool::Work() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      has_news_.wait(lock, [this] { return is_ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace bitbudget::server
