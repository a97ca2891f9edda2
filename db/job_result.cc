#include "db/job_result.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "db/exclusions.h"
#include "db/experiment_insert.h"
#include "db/experiment_row.h"
#include "db/experiments.h"
#include "db/names.h"
#include "db/row_conflict.h"
#include "db/studies.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

// Stores one experiment for one attempt.
class ResultStorer {
 public:
  ResultStorer(WriteContext& context, const StoredJob& stored, int attempt)
      : context_(context), stored_(stored), attempt_(attempt) {}

  absl::StatusOr<v1::Experiment> Store(v1::Experiment experiment,
                                       const std::string& content_hash,
                                       bool wins) {
    if (const int64_t row = RowOfAttempt(); row != 0) return Load(row);
    AddProvenance(experiment);
    if (wins) RETURN_IF_ERROR(ExcludeLateOnes(experiment));
    ASSIGN_OR_RETURN(const std::string reason, ReasonToExclude(experiment));
    ASSIGN_OR_RETURN(InsertResult inserted, Insert(experiment, content_hash, reason));
    v1::Experiment& row = inserted.experiments.at(0);
    Remember(NumberOf(row), inserted.created_count == 1);
    return std::move(row);
  }

 private:
  int64_t RowOfAttempt() {
    Query query(context_.connection,
                "SELECT experiment_row FROM job_attempts WHERE job_key = ?1 AND attempt = ?2",
                stored_.key,
                attempt_);
    return query.Next() ? query.Int(0) : 0;
  }

  void AddProvenance(v1::Experiment& experiment) {
    v1::ExperimentProvenance& provenance = *experiment.mutable_provenance();
    provenance.Clear();
    provenance.set_job(stored_.job.name());
    provenance.set_attempt(attempt_);
    Query query(context_.connection,
                "SELECT code_version FROM job_attempts WHERE job_key = ?1 AND attempt = ?2",
                stored_.key,
                attempt_);
    if (query.Next()) provenance.set_code_version(query.Bytes(0));
  }

  absl::StatusOr<v1::Experiment> Load(int64_t row_number) {
    ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(context_.connection, stored_.study));
    return LoadExperiment(context_.connection, study, row_number);
  }

  static int64_t NumberOf(const v1::Experiment& row) {
    return *ParseNumber(ParseChildName(row.name(), "experiments")->id);
  }

  // Rows in use that other attempts of this job have stored.
  absl::Status ExcludeLateOnes(const v1::Experiment& winner) {
    std::vector<int64_t> rows;
    {
      Query query(context_.connection,
                  "SELECT experiment_row FROM job_attempts WHERE job_key = ?1 AND stored_row = 1",
                  stored_.key);
      while (query.Next()) rows.push_back(query.Int(0));
    }
    ExclusionChange change{
        .study = stored_.study,
        .reason = fmt::format("superseded by attempt {} of {}", attempt_, stored_.job.name())};
    const int64_t same_key = FindByNaturalKey(context_.connection, stored_.study_key, winner);
    for (const int64_t row : rows) {
      ASSIGN_OR_RETURN(const v1::Experiment late, Load(row));
      const bool is_the_result = row == same_key && DifferingFields(late, winner).empty();
      if (!late.excluded() && !is_the_result) change.names.push_back(late.name());
    }
    if (change.names.empty()) return absl::OkStatus();
    return SetExclusion(context_, change, true).status();
  }

  // Empty if the row is to be used.
  absl::StatusOr<std::string> ReasonToExclude(const v1::Experiment& experiment) {
    const int64_t holder = FindByNaturalKey(context_.connection, stored_.study_key, experiment);
    if (holder != 0) {
      ASSIGN_OR_RETURN(const v1::Experiment existing, Load(holder));
      // The same content: the stored row comes back.
      if (DifferingFields(existing, experiment).empty()) return std::string();
      if (existing.name() != stored_.job.experiment()) {
        return fmt::format("contradicts {}, which was there first", existing.name());
      }
    }
    if (stored_.job.state() != v1::SUCCEEDED) return std::string();
    return fmt::format("superseded: attempt {} came after {} had succeeded by attempt {}",
                       attempt_,
                       stored_.job.name(),
                       stored_.job.attempt());
  }

  absl::StatusOr<InsertResult> Insert(const v1::Experiment& experiment,
                                      const std::string& content_hash,
                                      const std::string& exclude_reason) {
    InsertBatch batch{.study = stored_.study, .experiments = {experiment}};
    batch.exclude_reason = exclude_reason;
    return InsertExperiments(context_, batch, {content_hash});
  }

  void Remember(int64_t row_number, bool stored) {
    Query(context_.connection,
          "UPDATE job_attempts SET experiment_row = ?3, stored_row = ?4 "
          "WHERE job_key = ?1 AND attempt = ?2",
          stored_.key,
          attempt_,
          row_number,
          stored)
        .Run();
  }

  WriteContext& context_;
  const StoredJob& stored_;
  const int attempt_;
};

}  // namespace

absl::StatusOr<v1::Experiment> StoreResult(WriteContext& context,
                                           const StoredJob& stored,
                                           int attempt,
                                           const v1::Experiment& experiment,
                                           const std::string& content_hash,
                                           bool wins) {
  return ResultStorer(context, stored, attempt).Store(experiment, content_hash, wins);
}

}  // namespace bitbudget::db
