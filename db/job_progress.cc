#include "db/job_progress.h"

#include <fmt/format.h>

#include "db/job_state.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

absl::Status LeaseLost(const StoredJob& stored, int attempt) {
  return MakeError(
      absl::StatusCode::kAborted,
      fmt::format("attempt {} of {} has lost its lease: the job is {}, attempt {}; end "
                  "the trainer",
                  attempt,
                  stored.job.name(),
                  v1::JobState_Name(stored.job.state()),
                  stored.job.attempt()),
      {.reason = "LEASE_LOST",
       .metadata = {{"attempt", fmt::to_string(stored.job.attempt())},
                    {"state", v1::JobState_Name(stored.job.state())}},
       .resource_type = "job",
       .resource_name = stored.job.name()});
}

ProgressResult ResultOf(const StoredJob& stored, Standing standing) {
  return {.stop = standing == Standing::kStopped,
          .period = absl::Microseconds(stored.lease_period),
          .worker = stored.job.worker()};
}

// Drops every other point, never the last one, until few enough are left.
int64_t Thin(const WriteContext& context, int64_t job_key, int64_t point_count) {
  while (point_count > kMostCurvePoints) {
    point_count -=
        Query(context.connection,
              "DELETE FROM job_points WHERE job_key = ?1 AND tokens IN (SELECT tokens FROM "
              "(SELECT tokens, row_number() OVER (ORDER BY tokens DESC) AS place FROM job_points "
              "WHERE job_key = ?1) WHERE place % 2 = 0)",
              job_key)
            .Run();
  }
  return point_count;
}

}  // namespace

absl::StatusOr<std::optional<ProgressResult>> AnswerBareReport(Connection& connection,
                                                               const ProgressReport& report) {
  ASSIGN_OR_RETURN(const StoredJob stored, LoadJobOf(connection, report.attempt));
  const Standing standing = StandingOf(stored, report.attempt.attempt);
  if (standing == Standing::kEarlier) return LeaseLost(stored, report.attempt.attempt);
  if (standing == Standing::kStopped) return ResultOf(stored, standing);
  const bool changes =
      stored.job.state() == v1::LOST || !report.points.empty() || !report.checkpoints.empty();
  if (changes) return std::nullopt;
  return ResultOf(stored, standing);
}

absl::StatusOr<ProgressResult> ReportProgress(WriteContext& context, const ProgressReport& report) {
  ASSIGN_OR_RETURN(const StoredJob stored, LoadJobOf(context.connection, report.attempt));
  const Standing standing = StandingOf(stored, report.attempt.attempt);
  if (standing == Standing::kEarlier) return LeaseLost(stored, report.attempt.attempt);
  ProgressResult result = ResultOf(stored, standing);
  if (result.stop) return result;
  StorePoints(context, stored, report.points);
  StoreCheckpoints(context, stored.key, report.checkpoints);
  const bool trains =
      stored.job.has_progress() || !report.points.empty() || !report.checkpoints.empty();
  Query(context.connection,
        "UPDATE jobs SET state = ?2 WHERE job_key = ?1",
        stored.key,
        trains ? v1::RUNNING : v1::LEASED)
      .Run();
  result.changed = true;
  return result;
}

void StorePoints(const WriteContext& context,
                 const StoredJob& stored,
                 const std::vector<v1::ProgressPoint>& points) {
  int64_t last_tokens = stored.job.has_progress() ? stored.job.progress().tokens() : -1;
  int64_t point_count = stored.point_count;
  const v1::ProgressPoint* last = nullptr;
  for (const v1::ProgressPoint& point : points) {
    if (point.tokens() <= last_tokens) continue;
    Query(context.connection,
          "INSERT INTO job_points (job_key, tokens, loss_nats, learning_rate, tokens_per_second) "
          "VALUES (?1, ?2, ?3, ?4, ?5)",
          stored.key,
          point.tokens(),
          point.loss_nats(),
          point.learning_rate(),
          point.tokens_per_second())
        .Run();
    ++point_count;
    last_tokens = point.tokens();
    last = &point;
  }
  if (last == nullptr) return;
  Query(context.connection,
        "UPDATE jobs SET progress = ?2, point_count = ?3 WHERE job_key = ?1",
        stored.key,
        Blob{last->SerializeAsString()},
        Thin(context, stored.key, point_count))
      .Run();
}

void StoreCheckpoints(const WriteContext& context,
                      int64_t job_key,
                      const std::vector<v1::Checkpoint>& checkpoints) {
  for (const v1::Checkpoint& checkpoint : checkpoints) {
    Query(context.connection,
          "INSERT OR REPLACE INTO job_checkpoints (job_key, tokens, path, sha256) "
          "VALUES (?1, ?2, ?3, ?4)",
          job_key,
          checkpoint.tokens(),
          checkpoint.path(),
          checkpoint.sha256())
        .Run();
  }
}

}  // namespace bitbudget::db
