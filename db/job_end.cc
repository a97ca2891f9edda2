#include "db/job_end.h"

#include <fmt/format.h>

#include <utility>

#include "db/experiments.h"
#include "db/job_progress.h"
#include "db/job_result.h"
#include "db/job_row.h"
#include "db/job_state.h"
#include "db/names.h"
#include "db/studies.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

constexpr char kCompleted[] = "complete";
constexpr char kFailed[] = "fail";
constexpr char kReleased[] = "release";

// Closes the job by its current attempt, whose row is stored.
void CloseJob(const WriteContext& context,
              const StoredJob& stored,
              const Completion& completion,
              int64_t experiment_row,
              ChangedJobs& changed) {
  StorePoints(context, stored, completion.points);
  StoreCheckpoints(context, stored.key, completion.checkpoints);
  Query(context.connection,
        "UPDATE jobs SET statistics = ?2, experiment_row = ?3 WHERE job_key = ?1",
        stored.key,
        Blob{completion.statistics.SerializeAsString()},
        experiment_row)
      .Run();
  Succeed(context, stored, changed);
}

int64_t RowNumberOf(const std::optional<v1::Experiment>& experiment) {
  if (!experiment.has_value()) return 0;
  return *ParseNumber(ParseChildName(experiment->name(), "experiments")->id);
}

// Fills in what FailJob and ReleaseJob return. A repeat of the call that ended
// the attempt is told what the first was.
absl::StatusOr<AttemptEnd> EndResult(Connection& connection,
                                     const Attempt& attempt,
                                     const std::string& ended_by,
                                     ChangedJobs changed) {
  AttemptEnd end{.changed = std::move(changed)};
  ASSIGN_OR_RETURN(StoredJob stored, LoadJob(connection, attempt.job));
  end.job_unchanged = EndOfAttempt(connection, stored.key, attempt.attempt) != ended_by;
  end.job = std::move(stored.job);
  return end;
}

absl::Status StoreFailure(const WriteContext& context,
                          const StoredJob& stored,
                          v1::JobFailure failure,
                          ChangedJobs& changed) {
  failure.set_worker(stored.job.worker());
  failure.set_attempt(stored.job.attempt());
  SetTimestamp(context.now_microseconds, failure.mutable_time());
  const bool transient = failure.kind() == v1::JobFailure::TRANSIENT;
  const int failure_count = stored.job.failure_count() + (transient ? 1 : 0);
  Query(context.connection,
        "UPDATE jobs SET failure = ?2, failure_count = ?3 WHERE job_key = ?1",
        stored.key,
        Blob{failure.SerializeAsString()},
        failure_count)
      .Run();
  if (transient && failure_count < stored.job.max_failures()) {
    Requeue(context, stored, changed);
    return absl::OkStatus();
  }
  return EndWithoutResult(context, stored, v1::FAILED, "", changed);
}

}  // namespace

absl::StatusOr<CompletionResult> CompleteJob(WriteContext& context,
                                             const Completion& completion,
                                             const std::string& content_hash) {
  const int attempt = completion.attempt.attempt;
  ASSIGN_OR_RETURN(StoredJob stored, LoadJobOf(context.connection, completion.attempt));
  ASSIGN_OR_RETURN(const StudyHandle before, FindStudy(context.connection, stored.study));
  const bool wins = StandingOf(stored, attempt) == Standing::kCurrent;
  CompletionResult result;
  if (completion.experiment.has_value()) {
    ASSIGN_OR_RETURN(
        result.experiment,
        StoreResult(context, stored, attempt, *completion.experiment, content_hash, wins));
  }
  if (wins) {
    CloseJob(context, stored, completion, RowNumberOf(result.experiment), result.changed);
    SetEndOfAttempt(context, stored.key, attempt, kCompleted);
  }
  ASSIGN_OR_RETURN(stored, LoadJob(context.connection, stored.key));
  ASSIGN_OR_RETURN(const StudyHandle after, FindStudy(context.connection, stored.study));
  result.job_unchanged = EndOfAttempt(context.connection, stored.key, attempt) != kCompleted;
  result.job = std::move(stored.job);
  result.revision = after.revision;
  result.revision_advanced = after.revision > before.revision;
  return result;
}

absl::StatusOr<AttemptEnd> FailJob(WriteContext& context,
                                   const Attempt& attempt,
                                   const v1::JobFailure& failure) {
  ASSIGN_OR_RETURN(const StoredJob stored, LoadJobOf(context.connection, attempt));
  ChangedJobs changed;
  if (StandingOf(stored, attempt.attempt) == Standing::kCurrent) {
    RETURN_IF_ERROR(StoreFailure(context, stored, failure, changed));
    SetEndOfAttempt(context, stored.key, attempt.attempt, kFailed);
  }
  return EndResult(context.connection, attempt, kFailed, std::move(changed));
}

absl::StatusOr<AttemptEnd> ReleaseJob(WriteContext& context,
                                      const Attempt& attempt,
                                      const std::vector<v1::Checkpoint>& checkpoints) {
  ASSIGN_OR_RETURN(const StoredJob stored, LoadJobOf(context.connection, attempt));
  ChangedJobs changed;
  if (StandingOf(stored, attempt.attempt) == Standing::kCurrent) {
    StoreCheckpoints(context, stored.key, checkpoints);
    Requeue(context, stored, changed);
    SetEndOfAttempt(context, stored.key, attempt.attempt, kReleased);
  }
  return EndResult(context.connection, attempt, kReleased, std::move(changed));
}

}  // namespace bitbudget::db
