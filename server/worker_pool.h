// A few threads for work that must not be done where it arises. Thread-safe.

#ifndef BITBUDGET_SERVER_WORKER_POOL_H_
#define BITBUDGET_SERVER_WORKER_POOL_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bitbudget::server {

class WorkerPool {
 public:
  // `queue_limit` is how many tasks may wait.
  WorkerPool(int thread_count, int queue_limit);
  // Does what is queued, then ends.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Queues a task; false, and nothing done, if the queue is full.
  bool TryRun(std::function<void()> task);

 private:
  void Work();

  const int queue_limit_;
  std::mutex mutex_;  // guards queue and end
  std::condition_variable has_news_;
  std::deque<std::function<void()>> queue_;
  bool is_ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_WORKER_POOL_H_
