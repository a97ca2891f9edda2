// A few threads for work that must not be done where it arises. Thread-safe.

#ifndef BITBUDGET_SERVER_WORKER_POOL_H_
#define BITBUDGET_SERVER_WORKER_POOL_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"

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
  absl::Mutex mutex_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool is_ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_WORKER_POOL_H_
