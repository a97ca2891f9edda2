// When the leases of jobs run out, on a steady clock that knows nothing of the
// wall's. Which lease holds is decided by the database: an entry that is stale
// here expires without effect. Thread-safe.

#ifndef BITBUDGET_SERVER_LEASE_TABLE_H_
#define BITBUDGET_SERVER_LEASE_TABLE_H_

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "db/job_store.h"
#include "util/clock.h"

namespace bitbudget::server {

class LeaseTable {
 public:
  // `clock` is borrowed.
  explicit LeaseTable(const Clock* clock) : clock_(clock) {}

  // Gives a lease its full period from now on. No effect if a later attempt of
  // the job has one.
  void Renew(const db::OpenLease& lease);
  // Ends the lease of this attempt, if it is here.
  void End(const db::Attempt& attempt);
  // Time left; nullopt if this attempt has no lease here. Never negative.
  std::optional<absl::Duration> Remaining(const db::Attempt& attempt) const;
  // Takes out those that have run out.
  std::vector<db::OpenLease> TakeExpired();
  bool empty() const;
  size_t size() const;

 private:
  struct Entry {
    int attempt = 0;
    absl::Duration period;
    absl::Duration deadline;  // of clock_->Steady()
  };

  const Clock* const clock_;
  mutable std::mutex mutex_;                       // guards leases_
  std::unordered_map<std::string, Entry> leases_;  // by job
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_LEASE_TABLE_H_
