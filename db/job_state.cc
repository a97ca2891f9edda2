#include "db/job_state.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>

#include "db/requests.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

std::vector<int64_t> Keys(Query& query) {
  std::vector<int64_t> keys;
  while (query.Next()) keys.push_back(query.Int(0));
  return keys;
}

std::vector<int64_t> DependentsOf(Connection& connection, int64_t job_key) {
  Query query(connection,
              "SELECT job_key FROM job_dependencies WHERE dependency_key = ?1 ORDER BY job_key",
              job_key);
  return Keys(query);
}

std::vector<int64_t> CancelledWith(Connection& connection, int64_t job_key) {
  Query query(
      connection, "SELECT job_key FROM jobs WHERE cancelled_with = ?1 ORDER BY job_key", job_key);
  return Keys(query);
}

// A dependency that ended without success; nullopt if there is none.
std::optional<int64_t> EndedDependency(Connection& connection, int64_t job_key) {
  Query query(connection,
              "SELECT dependency_key FROM job_dependencies JOIN jobs "
              "ON jobs.job_key = dependency_key "
              "WHERE job_dependencies.job_key = ?1 AND state IN (5, 6) LIMIT 1",
              job_key);
  if (!query.Next()) return std::nullopt;
  return query.Int(0);
}

void StoreEnd(const WriteContext& context,
              int64_t job_key,
              v1::JobState state,
              const std::string& reason,
              int64_t cancelled_with) {
  Query(context.connection,
        "UPDATE jobs SET state = ?2, reason = ?3, cancelled_with = nullif(?4, 0), end_time = ?5 "
        "WHERE job_key = ?1",
        job_key,
        state,
        reason,
        cancelled_with,
        context.now_microseconds)
      .Run();
}

// Queues a job with a fresh retry budget.
void StoreRetry(const WriteContext& context, int64_t job_key) {
  Query(context.connection,
        "UPDATE jobs SET state = 1, reason = '', cancelled_with = NULL, end_time = 0, "
        "failure_count = 0 WHERE job_key = ?1",
        job_key)
      .Run();
}

absl::Status NotRetryable(const StoredJob& stored, std::string_view reason, std::string_view why) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      fmt::format("{} is {}; {}", stored.job.name(), v1::JobState_Name(stored.job.state()), why),
      {.reason = std::string(reason), .resource_type = "job", .resource_name = stored.job.name()});
}

absl::Status CheckRetryable(Connection& connection, const StoredJob& stored) {
  if (stored.job.state() == v1::SUCCEEDED) {
    return NotRetryable(stored, "JOB_SUCCEEDED", "create a new job to train it again");
  }
  if (!stored.has_ended()) {
    return NotRetryable(stored, "JOB_NOT_ENDED", "only FAILED and CANCELLED jobs are retried");
  }
  if (const std::optional<int64_t> key = EndedDependency(connection, stored.key)) {
    ASSIGN_OR_RETURN(const StoredJob dependency, LoadJob(connection, *key));
    return NotRetryable(stored,
                        "DEPENDENCY_ENDED",
                        fmt::format("it depends on {}, which is {}: retry that one first",
                                    dependency.job.name(),
                                    v1::JobState_Name(dependency.job.state())));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StoredJob> LoadJobOf(Connection& connection, const Attempt& attempt) {
  ASSIGN_OR_RETURN(StoredJob stored, LoadJob(connection, attempt.job));
  if (attempt.attempt < 1 || attempt.attempt > stored.job.attempt()) {
    return InvalidField(
        "attempt",
        fmt::format(
            "is {}; {} has had {} leases", attempt.attempt, attempt.job, stored.job.attempt()));
  }
  return stored;
}

Standing StandingOf(const StoredJob& stored, int attempt) {
  if (attempt != stored.job.attempt()) return Standing::kEarlier;
  if (stored.is_leased()) return Standing::kCurrent;
  return stored.job.state() == v1::CANCELLED ? Standing::kStopped : Standing::kEarlier;
}

std::string EndOfAttempt(Connection& connection, int64_t job_key, int attempt) {
  Query query(connection,
              "SELECT ended_by FROM job_attempts WHERE job_key = ?1 AND attempt = ?2",
              job_key,
              attempt);
  return query.Next() ? query.Bytes(0) : std::string();
}

void SetEndOfAttempt(const WriteContext& context,
                     int64_t job_key,
                     int attempt,
                     const std::string& ended_by) {
  Query(context.connection,
        "UPDATE job_attempts SET ended_by = ?3 WHERE job_key = ?1 AND attempt = ?2",
        job_key,
        attempt,
        ended_by)
      .Run();
}

void Succeed(const WriteContext& context, const StoredJob& stored, ChangedJobs& changed) {
  StoreEnd(context, stored.key, v1::SUCCEEDED, "", 0);
  changed.push_back(stored.job.name());
  Query query(context.connection,
              "UPDATE jobs SET waiting_count = waiting_count - 1 WHERE job_key IN "
              "(SELECT job_key FROM job_dependencies WHERE dependency_key = ?1) "
              "RETURNING job_number",
              stored.key);
  while (query.Next()) changed.push_back(JobName(stored.study, query.Int(0)));
}

absl::Status EndWithoutResult(const WriteContext& context,
                              const StoredJob& stored,
                              v1::JobState state,
                              const std::string& reason,
                              ChangedJobs& changed) {
  StoreEnd(context, stored.key, state, reason, 0);
  changed.push_back(stored.job.name());
  std::vector<StoredJob> ended = {stored};
  ended.front().job.set_state(state);
  while (!ended.empty()) {
    const StoredJob cause = std::move(ended.back());
    ended.pop_back();
    for (const int64_t key : DependentsOf(context.connection, cause.key)) {
      ASSIGN_OR_RETURN(StoredJob dependent, LoadJob(context.connection, key));
      if (dependent.has_ended()) continue;
      dependent.job.set_state(v1::CANCELLED);
      StoreEnd(context,
               key,
               v1::CANCELLED,
               fmt::format("{}, which it depends on, {}",
                           cause.job.name(),
                           cause.job.state() == v1::FAILED ? "failed" : "was cancelled"),
               cause.key);
      changed.push_back(dependent.job.name());
      ended.push_back(std::move(dependent));
    }
  }
  return absl::OkStatus();
}

void Requeue(const WriteContext& context, const StoredJob& stored, ChangedJobs& changed) {
  Query(context.connection, "UPDATE jobs SET state = 1 WHERE job_key = ?1", stored.key).Run();
  changed.push_back(stored.job.name());
}

absl::Status Revive(const WriteContext& context, const StoredJob& stored, ChangedJobs& changed) {
  // Dependencies have smaller keys than their dependents, so that ascending order
  // meets them first.
  std::set<int64_t> waiting = {stored.key};
  while (!waiting.empty()) {
    const int64_t key = *waiting.begin();
    waiting.erase(waiting.begin());
    const std::vector<int64_t> dependents = CancelledWith(context.connection, key);
    if (const auto ended = EndedDependency(context.connection, key)) {
      // Another dependency keeps it from running; it comes back with that one.
      Query(
          context.connection, "UPDATE jobs SET cancelled_with = ?2 WHERE job_key = ?1", key, *ended)
          .Run();
      continue;
    }
    StoreRetry(context, key);
    ASSIGN_OR_RETURN(const StoredJob revived, LoadJob(context.connection, key));
    changed.push_back(revived.job.name());
    waiting.insert(dependents.begin(), dependents.end());
  }
  return absl::OkStatus();
}

absl::StatusOr<JobChange> CancelJob(WriteContext& context,
                                    const std::string& name,
                                    const std::string& reason) {
  ASSIGN_OR_RETURN(StoredJob stored, LoadJob(context.connection, name));
  JobChange change;
  if (!stored.has_ended()) {
    RETURN_IF_ERROR(EndWithoutResult(context, stored, v1::CANCELLED, reason, change.changed));
    ASSIGN_OR_RETURN(stored, LoadJob(context.connection, name));
  }
  change.job = std::move(stored.job);
  return change;
}

absl::StatusOr<JobChange> RetryJob(WriteContext& context,
                                   const std::string& name,
                                   const RequestKey& request) {
  ASSIGN_OR_RETURN(const StoredJob stored, LoadJob(context.connection, name));
  JobChange change;
  const auto effect = [&]() -> absl::StatusOr<v1::Job> {
    RETURN_IF_ERROR(CheckRetryable(context.connection, stored));
    RETURN_IF_ERROR(Revive(context, stored, change.changed));
    ASSIGN_OR_RETURN(StoredJob revived, LoadJob(context.connection, name));
    return std::move(revived.job);
  };
  ASSIGN_OR_RETURN(change.job, Once<v1::Job>(context, stored.study_key, request, effect));
  return change;
}

}  // namespace bitbudget::db
