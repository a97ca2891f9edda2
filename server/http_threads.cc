#include "server/http_threads.h"

#include <utility>

namespace bitbudget::server {

void HttpThreads::enqueue(std::function<void()> connection) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(connection));
  if (queue_.size() <= free_count_) {
    has_news_.notify_one();
  } else if (threads_.size() < limit_) {
    threads_.emplace_back([this] { Work(); });
  } else {
    connections_.MakeRoom();
  }
}

void HttpThreads::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  has_news_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void HttpThreads::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++free_count_;
    has_news_.wait(lock, [this] { return is_ending_ || !queue_.empty(); });
    --free_count_;
    if (queue_.empty()) return;
    const std::function<void()> serve = std::move(queue_.front());
    queue_.pop_front();
    if (queue_.empty()) connections_.EndCrowd();
    lock.unlock();
    serve();
    lock.lock();
  }
}

}  // namespace bitbudget::server
