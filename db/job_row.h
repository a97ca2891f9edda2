// The one mapping between v1.Job and the columns of its table.

#ifndef BITBUDGET_DB_JOB_ROW_H_
#define BITBUDGET_DB_JOB_ROW_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "bitbudget/v1/job.pb.h"
#include "db/connection.h"
#include "db/writer.h"

// Start of a SELECT that ReadJob reads. A macro, so that whole queries are
// literals.
#define BITBUDGET_SELECT_JOBS                                                                  \
  "SELECT job_key, jobs.study_key, study_id, job_number, campaign_id, jobs.definition, "       \
  "jobs.definition_hash, trainer, estimated_flops, priority, state, waiting_count, attempt, "  \
  "failure_count, lost_count, worker, progress, failure, statistics, reason, experiment_row, " \
  "jobs.create_time, start_time, end_time, lease_period, point_count, jobs.campaign_key "      \
  "FROM jobs JOIN studies USING (study_key) LEFT JOIN campaigns USING (campaign_key) "

namespace bitbudget::db {

// "studies/{study}/jobs/{job number}".
std::string JobName(const std::string& study_name, int64_t job_number);

// A job as stored, with what only the store needs of it.
struct StoredJob {
  int64_t key = 0;
  int64_t study_key = 0;
  int64_t campaign_key = 0;  // 0: none
  std::string study;         // "studies/{study}"
  int64_t waiting_count = 0;
  int64_t lease_period = 0;  // microseconds
  int64_t point_count = 0;
  v1::Job job;  // without its curve

  // The lease holds, or ran out and nobody else has taken the job.
  bool is_leased() const {
    return job.state() == v1::LEASED || job.state() == v1::RUNNING || job.state() == v1::LOST;
  }
  bool has_ended() const {
    return job.state() == v1::SUCCEEDED || job.state() == v1::FAILED ||
           job.state() == v1::CANCELLED;
  }
};

// Reads the current row of a SELECT as above, checks its hash, and adds its
// checkpoints.
absl::StatusOr<StoredJob> ReadJob(Connection& connection, const Query& row);

// NOT_FOUND if there is no such job.
absl::StatusOr<StoredJob> LoadJob(Connection& connection, const std::string& name);
absl::StatusOr<StoredJob> LoadJob(Connection& connection, int64_t job_key);

// Where a job is stored.
struct JobPlace {
  int64_t study_key = 0;
  int64_t job_number = 0;
  int64_t campaign_key = 0;  // 0: none
  int64_t waiting_count = 0;
  int64_t memory_bytes = 0;
};

// Inserts a queued job, whose names are final, and returns its key.
int64_t InsertJobRow(const WriteContext& context, const v1::Job& job, const JobPlace& place);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_JOB_ROW_H_
