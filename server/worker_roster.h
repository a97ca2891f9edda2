// Workers that have been heard of lately and what they can do, to say why a job
// waits and to prefer another worker after a failure.

#ifndef BITBUDGET_SERVER_WORKER_ROSTER_H_
#define BITBUDGET_SERVER_WORKER_ROSTER_H_

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "db/job_store.h"
#include "util/clock.h"

namespace bitbudget::server {

// Thread-safe.
class WorkerRoster {
 public:
  // A worker waits for a job for a minute at most before it asks again, reports
  // more often than that, and after trouble pauses for about as long.
  static constexpr absl::Duration kLately = absl::Minutes(2);

  explicit WorkerRoster(const Clock* clock) : clock_(clock) {}

  // A worker asks for a job.
  void Ask(const db::LeaseQuery& query);
  // It reports; one that has never asked is not known.
  void Hear(const std::string& worker);
  // It hung up, or gave its job back: it is not waited for.
  void Leave(const std::string& worker);
  // Those heard of lately, by name.
  std::vector<db::LeaseQuery> Lately() const;

 private:
  struct Entry {
    db::LeaseQuery query;
    absl::Duration heard;  // on the steady clock
  };

  bool IsRecent(const Entry& entry) const;

  const Clock* clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> workers_;  // guarded by mutex_
};

// Why none of `workers` takes a job of these needs, as a sentence; empty if one of
// them can. Pure.
std::string WhyNobodyTakes(const std::vector<db::LeaseQuery>& workers, const db::JobNeeds& job);

// The same of several kinds of jobs, with their number. Empty if all can be taken.
std::string WhyNobodyTakes(const std::vector<db::LeaseQuery>& workers,
                           const std::vector<db::ReadyJobs>& jobs);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_WORKER_ROSTER_H_
