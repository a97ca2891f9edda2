#include "db/job_row.h"

#include <fmt/format.h>

#include <optional>

#include "db/content_hash.h"
#include "db/experiment_row.h"
#include "db/names.h"
#include "db/sqlite_error.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

constexpr char kDefaultData[] = "tokens";

// What the caller decided and what follows from it: never changes.
v1::Job Definition(const v1::Job& job) {
  v1::Job definition;
  definition.set_label(job.label());
  definition.set_trainer(job.trainer());
  definition.set_kind(job.kind());
  *definition.mutable_training() = job.training();
  *definition.mutable_dependencies() = job.dependencies();
  definition.set_start_job(job.start_job());
  definition.set_start_tokens(job.start_tokens());
  definition.set_priority(job.priority());
  definition.set_max_failures(job.max_failures());
  definition.set_estimated_flops(job.estimated_flops());
  definition.set_training_hash(job.training_hash());
  return definition;
}

absl::Status ReadDefinition(const Query& row, const std::string& path, StoredJob& stored) {
  v1::Job& job = stored.job;
  const bool parsed = job.ParseFromString(row.Bytes(5));
  const std::string name = JobName(stored.study, row.Int(3));
  if (!parsed || HashMessage(job) != row.Bytes(6) || job.trainer() != row.Bytes(7) ||
      job.estimated_flops() != row.Double(8) || job.priority() != row.Int(9)) {
    return DatabaseDamaged(path, fmt::format("{} does not match its hash", name));
  }
  job.set_name(name);
  if (!row.IsNull(4)) {
    job.set_campaign(fmt::format("{}/campaigns/{}", stored.study, row.Bytes(4)));
  }
  return absl::OkStatus();
}

// Sets `field` unless the column is empty; false if it cannot be read.
template <typename Message>
bool ReadMessage(const std::string& bytes, Message* (v1::Job::*field)(), v1::Job& job) {
  return bytes.empty() || (job.*field)()->ParseFromString(bytes);
}

std::string WhatItWaitsFor(const StoredJob& stored) {
  const v1::Job& job = stored.job;
  if (job.dependencies_size() == 1) return fmt::format("waits for {}", job.dependencies(0));
  return fmt::format("waits for {} of the {} jobs that it depends on",
                     stored.waiting_count,
                     job.dependencies_size());
}

void ReadTimes(const Query& row, v1::Job& job) {
  SetTimestamp(row.Int(21), job.mutable_create_time());
  if (row.Int(22) != 0) SetTimestamp(row.Int(22), job.mutable_start_time());
  if (row.Int(23) != 0) SetTimestamp(row.Int(23), job.mutable_end_time());
}

absl::Status ReadState(const Query& row, const std::string& path, StoredJob& stored) {
  v1::Job& job = stored.job;
  stored.waiting_count = row.Int(11);
  job.set_state(static_cast<v1::JobState>(row.Int(10)));
  job.set_attempt(static_cast<int32_t>(row.Int(12)));
  job.set_failure_count(static_cast<int32_t>(row.Int(13)));
  job.set_lost_count(static_cast<int32_t>(row.Int(14)));
  job.set_worker(row.Bytes(15));
  if (!ReadMessage(row.Bytes(16), &v1::Job::mutable_progress, job) ||
      !ReadMessage(row.Bytes(17), &v1::Job::mutable_failure, job) ||
      !ReadMessage(row.Bytes(18), &v1::Job::mutable_statistics, job)) {
    return DatabaseDamaged(path, fmt::format("the state of {} cannot be read", job.name()));
  }
  job.set_reason(row.Bytes(19));
  if (job.state() == v1::QUEUED && stored.waiting_count > 0) {
    job.set_reason(WhatItWaitsFor(stored));
  }
  if (row.Int(20) != 0) job.set_experiment(ExperimentName(stored.study, row.Int(20)));
  ReadTimes(row, job);
  return absl::OkStatus();
}

void AddCheckpoints(Connection& connection, StoredJob& stored) {
  Query query(connection,
              "SELECT tokens, path, sha256 FROM job_checkpoints WHERE job_key = ?1 ORDER BY tokens",
              stored.key);
  while (query.Next()) {
    v1::Checkpoint& checkpoint = *stored.job.add_checkpoints();
    checkpoint.set_tokens(query.Int(0));
    checkpoint.set_path(query.Bytes(1));
    checkpoint.set_sha256(query.Bytes(2));
  }
}

}  // namespace

std::string JobName(const std::string& study_name, int64_t job_number) {
  return fmt::format("{}/jobs/{}", study_name, job_number);
}

absl::StatusOr<StoredJob> ReadJob(Connection& connection, const Query& row) {
  StoredJob stored{.key = row.Int(0),
                   .study_key = row.Int(1),
                   .campaign_key = row.Int(26),
                   .study = StudyName(row.Bytes(2)),
                   .lease_period = row.Int(24),
                   .point_count = row.Int(25)};
  RETURN_IF_ERROR(ReadDefinition(row, connection.path(), stored));
  RETURN_IF_ERROR(ReadState(row, connection.path(), stored));
  AddCheckpoints(connection, stored);
  return stored;
}

absl::StatusOr<StoredJob> LoadJob(Connection& connection, const std::string& name) {
  const std::optional<ChildName> parts = ParseChildName(name, "jobs");
  const std::optional<std::string> study_id = parts ? ParseStudyName(parts->study) : std::nullopt;
  const std::optional<int64_t> number = parts ? ParseNumber(parts->id) : std::nullopt;
  if (!study_id || !number) return NotFound("job", name);
  Query query(connection,
              BITBUDGET_SELECT_JOBS "WHERE study_id = ?1 AND deleted = 0 AND job_number = ?2",
              *study_id,
              *number);
  if (!query.Next()) return NotFound("job", name);
  return ReadJob(connection, query);
}

absl::StatusOr<StoredJob> LoadJob(Connection& connection, int64_t job_key) {
  Query query(connection, BITBUDGET_SELECT_JOBS "WHERE job_key = ?1", job_key);
  if (!query.Next()) return NotFound("job", fmt::to_string(job_key));
  return ReadJob(connection, query);
}

int64_t InsertJobRow(const WriteContext& context, const v1::Job& job, const JobPlace& place) {
  const v1::Job definition = Definition(job);
  const v1::TrainingSpec& training = definition.training();
  Query(context.connection,
        "INSERT INTO jobs (study_key, job_number, campaign_key, definition, definition_hash, "
        "trainer, data, data_sha256, memory_bytes, estimated_flops, priority, create_time, state, "
        "waiting_count) VALUES (?1, ?2, nullif(?3, 0), ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
        "?14)",
        place.study_key,
        place.job_number,
        place.campaign_key,
        Blob{definition.SerializeAsString()},
        Blob{HashMessage(definition)},
        definition.trainer(),
        training.data().empty() ? std::string(kDefaultData) : training.data(),
        training.data_sha256(),
        place.memory_bytes,
        definition.estimated_flops(),
        definition.priority(),
        context.now_microseconds,
        v1::QUEUED,
        place.waiting_count)
      .Run();
  return context.connection.database().getLastInsertRowid();
}

}  // namespace bitbudget::db
