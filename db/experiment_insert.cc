#include "db/experiment_insert.h"

#include <fmt/format.h>

#include <utility>

#include "db/content_hash.h"
#include "db/experiment_row.h"
#include "db/experiments.h"
#include "db/history.h"
#include "db/records.pb.h"
#include "db/requests.h"
#include "db/row_conflict.h"
#include "db/studies.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

// Takes the rows of one batch into the tables, one by one.
class BatchInserter {
 public:
  BatchInserter(WriteContext& context,
                StudyHandle study,
                const InsertBatch& batch,
                const std::vector<std::string>& hashes)
      : context_(context),
        study_(std::move(study)),
        batch_(batch),
        hashes_(hashes),
        first_new_row_(study_.last_row_number + 1) {}

  absl::StatusOr<InsertRecord> Run() {
    for (size_t index = 0; index < batch_.experiments.size(); ++index) {
      RETURN_IF_ERROR(Insert(static_cast<int>(index)));
    }
    if (!conflicts_.empty()) {
      const RowConflict& first = conflicts_.front();
      return ConflictError(first.line > 0 ? fmt::format("line {}", first.line)
                                          : fmt::format("experiments[{}]", first.index),
                           conflicts_);
    }
    Finish();
    return std::move(record_);
  }

  // The stored rows, in the order of the batch.
  std::vector<v1::Experiment> TakeExperiments() { return std::move(experiments_); }

 private:
  absl::Status Insert(int index) {
    const v1::Experiment& row = batch_.experiments[index];
    const StoredAs stored_as{.study_key = study_.key,
                             .row_number = study_.last_row_number + 1,
                             .create_time = context_.now_microseconds,
                             .create_revision = study_.revision + 1,
                             .import_batch = batch_.import_batch,
                             .excluded = !batch_.exclude_reason.empty(),
                             .exclude_reason = batch_.exclude_reason};
    if (!InsertRow(context_.connection, row, hashes_[index], stored_as)) {
      return CompareWithStored(index);
    }
    ++study_.last_row_number;
    index_of_new_row_.push_back(index);
    AppendToRuns(stored_as.row_number);
    if (batch_.return_experiments) {
      SetStoredFields(study_.name, hashes_[index], stored_as, experiments_.emplace_back(row));
    }
    return absl::OkStatus();
  }

  // The key is taken: by the same content, or by other content.
  absl::Status CompareWithStored(int index) {
    const v1::Experiment& row = batch_.experiments[index];
    const int64_t row_number = FindByNaturalKey(context_.connection, study_.key, row);
    ASSIGN_OR_RETURN(v1::Experiment stored,
                     LoadExperiment(context_.connection, study_, row_number));
    std::vector<std::string> differing = DifferingFields(stored, row);
    if (!differing.empty()) {
      AddConflict(index, row_number, stored.name(), std::move(differing));
      return absl::OkStatus();
    }
    record_.set_unchanged_count(record_.unchanged_count() + 1);
    AppendToRuns(row_number);
    if (batch_.return_experiments) experiments_.push_back(std::move(stored));
    return absl::OkStatus();
  }

  void AddConflict(int index,
                   int64_t row_number,
                   const std::string& existing,
                   std::vector<std::string> differing) {
    RowConflict conflict{.index = index,
                         .line = batch_.experiments[index].provenance().line(),
                         .differing_fields = std::move(differing)};
    if (row_number >= first_new_row_) {
      const int earlier = index_of_new_row_[row_number - first_new_row_];
      conflict.earlier_index = earlier;
      conflict.earlier_line = batch_.experiments[earlier].provenance().line();
    } else {
      conflict.existing_experiment = existing;
    }
    if (batch_.skip_conflicts) {
      record_.set_rejected_count(record_.rejected_count() + 1);
      if (record_.rejected_size() < kMaxReportedRows) {
        *record_.add_rejected() = RejectedBy(conflict);
      }
    } else {
      conflicts_.push_back(std::move(conflict));
    }
  }

  void AppendToRuns(int64_t row_number) {
    if (const int count = record_.runs_size(); count > 0) {
      InsertRecord::Run& last = *record_.mutable_runs(count - 1);
      if (last.first_row_number() + last.count() == row_number) {
        last.set_count(last.count() + 1);
        return;
      }
    }
    InsertRecord::Run& run = *record_.add_runs();
    run.set_first_row_number(row_number);
    run.set_count(1);
  }

  void Finish() {
    const int64_t created_count = study_.last_row_number - first_new_row_ + 1;
    record_.set_created_count(created_count);
    if (created_count > 0) {
      ++study_.revision;
      (batch_.exclude_reason.empty() ? study_.experiment_count
                                     : study_.excluded_experiment_count) += created_count;
      SaveStudyState(context_, study_);
      AppendChange(context_.connection,
                   study_.key,
                   {.kind = "insert",
                    .revision = study_.revision,
                    .first_row_number = first_new_row_,
                    .last_row_number = study_.last_row_number,
                    .description = batch_.import_batch,
                    .request_id = batch_.request.request_id,
                    .time = context_.now_microseconds});
    }
    record_.set_revision(study_.revision);
  }

  WriteContext& context_;
  StudyHandle study_;
  const InsertBatch& batch_;
  const std::vector<std::string>& hashes_;
  const int64_t first_new_row_;
  std::vector<int> index_of_new_row_;  // by row number - first_new_row_
  std::vector<RowConflict> conflicts_;
  std::vector<v1::Experiment> experiments_;
  InsertRecord record_;
};

InsertResult ResultOf(const InsertRecord& record, std::vector<v1::Experiment> experiments) {
  return InsertResult{.experiments = std::move(experiments),
                      .revision = record.revision(),
                      .created_count = record.created_count(),
                      .unchanged_count = record.unchanged_count(),
                      .rejected_count = record.rejected_count(),
                      .rejected = {record.rejected().begin(), record.rejected().end()}};
}

// The rows as they were when first returned: none was excluded then.
absl::StatusOr<std::vector<v1::Experiment>> LoadRuns(Connection& connection,
                                                     const StudyHandle& study,
                                                     const InsertRecord& record) {
  std::vector<v1::Experiment> experiments;
  for (const InsertRecord::Run& run : record.runs()) {
    for (int64_t offset = 0; offset < run.count(); ++offset) {
      ASSIGN_OR_RETURN(v1::Experiment experiment,
                       LoadExperiment(connection, study, run.first_row_number() + offset));
      experiment.set_excluded(false);
      experiment.clear_exclude_reason();
      experiments.push_back(std::move(experiment));
    }
  }
  return experiments;
}

}  // namespace

std::vector<std::string> HashExperiments(const InsertBatch& batch) {
  std::vector<std::string> hashes;
  hashes.reserve(batch.experiments.size());
  for (const v1::Experiment& experiment : batch.experiments) {
    hashes.push_back(HashExperiment(experiment));
  }
  return hashes;
}

absl::StatusOr<InsertResult> InsertExperiments(WriteContext& context,
                                               const InsertBatch& batch,
                                               const std::vector<std::string>& hashes) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(context.connection, batch.study));
  BatchInserter inserter(context, study, batch, hashes);
  if (batch.validate_only) {
    context.discard = true;
    ASSIGN_OR_RETURN(InsertRecord record, inserter.Run());
    record.set_revision(study.revision);
    return ResultOf(record, {});
  }
  bool repeated = true;
  ASSIGN_OR_RETURN(const InsertRecord record,
                   Once<InsertRecord>(context, study.key, batch.request, [&] {
                     repeated = false;
                     return inserter.Run();
                   }));
  if (!repeated) return ResultOf(record, inserter.TakeExperiments());
  if (!batch.return_experiments) return ResultOf(record, {});
  ASSIGN_OR_RETURN(std::vector<v1::Experiment> experiments,
                   LoadRuns(context.connection, study, record));
  return ResultOf(record, std::move(experiments));
}

}  // namespace bitbudget::db
