// What the services that deal with jobs share: the leases that hold, those who
// watch, and those who wait for work.

#ifndef BITBUDGET_SERVER_JOB_BOARD_H_
#define BITBUDGET_SERVER_JOB_BOARD_H_

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "bitbudget/v1/job.pb.h"
#include "server/change_feed.h"
#include "server/lease_desk.h"
#include "server/lease_table.h"
#include "server/worker_pool.h"
#include "server/worker_roster.h"
#include "util/clock.h"

namespace bitbudget::server {

// Workers that are told to drain. Thread-safe.
class DrainList {
 public:
  void Set(const std::string& worker, bool drains);
  bool Contains(const std::string& worker) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> workers_;  // guarded by mutex_
};

// Thread-safe.
class JobBoard {
 public:
  // Both are borrowed. `waiter_limit` workers may wait for a job at a time.
  JobBoard(WorkerPool& pool, int waiter_limit, const Clock* clock = Clock::System())
      : leases(clock), workers(clock), desk(pool, waiter_limit) {}

  // Tells that jobs have changed, and that some may be free to be leased.
  void Announce(const std::vector<std::string>& changed);

  // Fills in what the database does not know.
  void SetLeaseRemaining(v1::Job& job) const;

  // Workers that ask for jobs and may have them.
  std::vector<db::LeaseQuery> AvailableWorkers() const;

  // Ends all waiting and watching.
  void Drain();

  LeaseTable leases;
  WorkerRoster workers;
  DrainList drains;
  ChangeFeed feed;
  LeaseDesk desk;
};

// Writes a duration that is not negative.
void SetDuration(absl::Duration duration, google::protobuf::Duration* message);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_JOB_BOARD_H_
