// Moving jobs from state to state, and what that does to the jobs that depend on
// them. Changed jobs are appended, by name, to `changed`.

#ifndef BITBUDGET_DB_JOB_STATE_H_
#define BITBUDGET_DB_JOB_STATE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "db/job_row.h"
#include "db/job_store.h"
#include "db/writer.h"

namespace bitbudget::db {

using ChangedJobs = std::vector<std::string>;

// What an attempt is to its job.
enum class Standing {
  kCurrent,  // the lease is its own, or ran out and nobody else has taken the job
  kStopped,  // its job was cancelled under it
  kEarlier,  // another attempt came, or it has ended itself
};

// Loads the job of `attempt`. INVALID_ARGUMENT if there was no such attempt yet.
absl::StatusOr<StoredJob> LoadJobOf(Connection& connection, const Attempt& attempt);
Standing StandingOf(const StoredJob& stored, int attempt);

// How an attempt ended, as job_attempts has it: "complete", "fail", "release";
// empty if it has not.
std::string EndOfAttempt(Connection& connection, int64_t job_key, int attempt);
void SetEndOfAttempt(const WriteContext& context,
                     int64_t job_key,
                     int attempt,
                     const std::string& ended_by);

// SUCCEEDED: those that depend on the job wait for one less.
void Succeed(const WriteContext& context, const StoredJob& stored, ChangedJobs& changed);

// FAILED or CANCELLED, and everything that depends on it CANCELLED.
absl::Status EndWithoutResult(const WriteContext& context,
                              const StoredJob& stored,
                              v1::JobState state,
                              const std::string& reason,
                              ChangedJobs& changed);

// QUEUED again.
void Requeue(const WriteContext& context, const StoredJob& stored, ChangedJobs& changed);

// QUEUED, with a fresh retry budget, as are all that were cancelled with it. A job
// that another dependency keeps from running comes back with that one.
absl::Status Revive(const WriteContext& context, const StoredJob& stored, ChangedJobs& changed);

absl::StatusOr<JobChange> CancelJob(WriteContext& context,
                                    const std::string& name,
                                    const std::string& reason);
absl::StatusOr<JobChange> RetryJob(WriteContext& context,
                                   const std::string& name,
                                   const RequestKey& request);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_JOB_STATE_H_
