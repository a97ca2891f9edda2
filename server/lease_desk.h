// Workers that wait for a job. Who waits holds no thread: when a job may have
// become free, each is tried again on a thread of the pool. Thread-safe.

#ifndef BITBUDGET_SERVER_LEASE_DESK_H_
#define BITBUDGET_SERVER_LEASE_DESK_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bitbudget/v1/job.pb.h"
#include "server/call_context.h"
#include "server/worker_pool.h"

namespace bitbudget::server {

class LeaseDesk {
 public:
  // Takes a job; nullopt if there is none now. May block on the database.
  using Take = std::function<absl::StatusOr<std::optional<v1::LeaseJobResponse>>()>;
  // Called once.
  using Done = std::function<void(absl::StatusOr<v1::LeaseJobResponse>)>;

  // At most `waiter_limit` wait at a time. `pool` is borrowed and has room for
  // twice as many tasks.
  LeaseDesk(WorkerPool& pool, int waiter_limit);
  // Drains.
  ~LeaseDesk();
  LeaseDesk(const LeaseDesk&) = delete;
  LeaseDesk& operator=(const LeaseDesk&) = delete;

  // Calls `take` now, and again whenever a job may have become free, until it
  // brings something or `wait` is over: then the reply is empty. Errors beside
  // those of `take`: RESOURCE_EXHAUSTED, TOO_MANY_WAITING; CANCELLED; UNAVAILABLE,
  // SHUTTING_DOWN.
  void Wait(const CallContext& call, absl::Duration wait, Take take, Done done);

  // A job may have become free.
  void Notify();

  // Ends all waits with UNAVAILABLE and refuses further ones.
  void Drain();

 private:
  struct Waiter {
    std::function<bool()> cancelled;
    std::chrono::steady_clock::time_point deadline;
    Take take;
    Done done;
    bool is_trying = true;
    int64_t seen_news = 0;  // count of Notify before the last try
  };
  using Waiters = std::list<Waiter>;
  // A wait that is over, to be told so outside the mutex.
  struct Ended {
    Done done;
    absl::StatusOr<v1::LeaseJobResponse> result;
  };

  // Runs `take` of a waiter on this thread, without the mutex.
  void Try(Waiters::iterator waiter);
  // Why the waiter has to leave without a job; nullopt if it may stay. Called
  // with mutex_ held, as are the next two.
  std::optional<absl::StatusOr<v1::LeaseJobResponse>> ReasonToLeave(const Waiter& waiter) const;
  void StartTry(Waiters::iterator waiter);
  // Takes out those who have to leave, starts tries of those who have news.
  std::vector<Ended> TakeLeaving();
  void Run();

  WorkerPool& pool_;
  const int waiter_limit_;
  std::mutex mutex_;  // guards what follows, down to the thread
  std::condition_variable has_news_;
  Waiters waiters_;
  int64_t news_ = 0;
  bool is_draining_ = false;
  std::thread thread_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_LEASE_DESK_H_
