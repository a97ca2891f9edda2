#include "db/job_lease.h"

#include <utility>

#include "db/job_match.h"
#include "db/job_row.h"
#include "db/job_state.h"
#include "db/names.h"
#include "db/studies.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

// A job that failed on this worker a moment ago is left to the others: one sick
// worker is not to use up its retries.
bool IsLeftToOthers(const LeaseQuery& lease, const JobNeeds& needs, const std::string& failure) {
  if (failure.empty() || !lease.another_can_run) return false;
  v1::JobFailure last;
  return last.ParseFromString(failure) && last.worker() == lease.worker &&
         absl::FromUnixSeconds(last.time().seconds()) > lease.own_failures_after &&
         lease.another_can_run(needs);
}

// The first job that the worker can run; 0 if there is none. The index holds
// ready jobs alone, in this order: as a rule the first row is the one.
absl::StatusOr<int64_t> FindJobFor(Connection& connection, const LeaseQuery& lease) {
  int64_t study_key = 0;
  if (!lease.study.empty()) {
    ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, lease.study));
    study_key = study.key;
  }
  // CROSS: the jobs come first, by their index.
  Query query(connection,
              "SELECT job_key, study_id, trainer, data, data_sha256, memory_bytes, "
              "estimated_flops, failure FROM jobs CROSS JOIN studies USING (study_key) "
              "WHERE state IN (1, 7) AND waiting_count = 0 AND (?1 = 0 OR jobs.study_key = ?1) "
              "ORDER BY priority DESC, job_key",
              study_key);
  while (query.Next()) {
    const JobNeeds needs{.study = StudyName(query.Bytes(1)),
                         .trainer = query.Bytes(2),
                         .data = query.Bytes(3),
                         .data_sha256 = query.Bytes(4),
                         .memory_bytes = query.Int(5),
                         .flops = query.Double(6)};
    const bool can_run = LackFor(lease, needs) == Lack::kNothing;
    if (can_run && !IsLeftToOthers(lease, needs, query.Bytes(7))) return query.Int(0);
  }
  return 0;
}

// The job that an earlier request of this id has leased; 0 if none holds.
int64_t FindRepeated(Connection& connection, const LeaseQuery& lease) {
  if (lease.request_id.empty()) return 0;
  Query query(connection,
              "SELECT job_key FROM jobs WHERE worker = ?1 AND lease_request_id = ?2 "
              "AND state IN (2, 3)",
              lease.worker,
              lease.request_id);
  return query.Next() ? query.Int(0) : 0;
}

void StoreLease(const WriteContext& context, const LeaseQuery& lease, int64_t job_key) {
  Query(context.connection, "DELETE FROM job_points WHERE job_key = ?1", job_key).Run();
  Query(context.connection,
        "UPDATE jobs SET state = 2, attempt = attempt + 1, worker = ?2, lease_request_id = ?3, "
        "lease_period = ?4, point_count = 0, progress = x'', reason = '', "
        "start_time = iif(start_time = 0, ?5, start_time) WHERE job_key = ?1",
        job_key,
        lease.worker,
        lease.request_id,
        absl::ToInt64Microseconds(lease.period),
        context.now_microseconds)
      .Run();
  Query(context.connection,
        "INSERT INTO job_attempts (job_key, attempt, worker, code_version, lease_time) "
        "SELECT job_key, attempt, worker, ?2, ?3 FROM jobs WHERE job_key = ?1",
        job_key,
        lease.capabilities.code_version(),
        context.now_microseconds)
      .Run();
}

absl::StatusOr<std::optional<v1::Checkpoint>> StartCheckpoint(Connection& connection,
                                                              const v1::Job& job) {
  if (job.start_job().empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const StoredJob trunk, LoadJob(connection, job.start_job()));
  for (const v1::Checkpoint& checkpoint : trunk.job.checkpoints()) {
    if (checkpoint.tokens() == job.start_tokens()) return checkpoint;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<bool> HasJobFor(Connection& connection, const LeaseQuery& query) {
  if (FindRepeated(connection, query) != 0) return true;
  ASSIGN_OR_RETURN(const int64_t job_key, FindJobFor(connection, query));
  return job_key != 0;
}

absl::StatusOr<std::optional<LeasedJob>> LeaseJob(WriteContext& context, const LeaseQuery& query) {
  LeasedJob leased;
  int64_t job_key = FindRepeated(context.connection, query);
  leased.repeated = job_key != 0;
  if (!leased.repeated) {
    ASSIGN_OR_RETURN(job_key, FindJobFor(context.connection, query));
    if (job_key == 0) return std::nullopt;
    StoreLease(context, query, job_key);
  }
  ASSIGN_OR_RETURN(StoredJob stored, LoadJob(context.connection, job_key));
  ASSIGN_OR_RETURN(leased.start_checkpoint, StartCheckpoint(context.connection, stored.job));
  leased.period = absl::Microseconds(stored.lease_period);
  leased.job = std::move(stored.job);
  return leased;
}

std::vector<OpenLease> ListOpenLeases(Connection& connection, const std::string& worker) {
  Query query(connection,
              "SELECT study_id, job_number, attempt, lease_period FROM jobs "
              "JOIN studies USING (study_key) "
              "WHERE state IN (2, 3) AND (?1 = '' OR worker = ?1) ORDER BY job_key",
              worker);
  std::vector<OpenLease> leases;
  while (query.Next()) {
    leases.push_back({.job = JobName(StudyName(query.Bytes(0)), query.Int(1)),
                      .attempt = static_cast<int>(query.Int(2)),
                      .period = absl::Microseconds(query.Int(3))});
  }
  return leases;
}

absl::StatusOr<std::optional<v1::Job>> ExpireLease(WriteContext& context, const Attempt& attempt) {
  ASSIGN_OR_RETURN(StoredJob stored, LoadJob(context.connection, attempt.job));
  const bool holds = stored.job.attempt() == attempt.attempt && stored.is_leased() &&
                     stored.job.state() != v1::LOST;
  if (!holds) return std::nullopt;
  Query(context.connection,
        "UPDATE jobs SET state = 7, lost_count = lost_count + 1 WHERE job_key = ?1",
        stored.key)
      .Run();
  ASSIGN_OR_RETURN(stored, LoadJob(context.connection, stored.key));
  return std::move(stored.job);
}

}  // namespace bitbudget::db
