#include "db/exclusions.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "db/experiment_row.h"
#include "db/experiments.h"
#include "db/history.h"
#include "db/names.h"
#include "db/records.pb.h"
#include "db/requests.h"
#include "db/row_conflict.h"
#include "db/studies.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

absl::Status BatchNotFound(const StudyHandle& study, const std::string& import_batch) {
  ErrorDetails details;
  details.reason = "IMPORT_BATCH_NOT_FOUND";
  details.resource_type = "import_batch";
  details.resource_name = import_batch;
  return MakeError(absl::StatusCode::kNotFound,
                   fmt::format("{} has no import batch \"{}\"", study.name, import_batch),
                   std::move(details));
}

absl::StatusOr<std::vector<int64_t>> RowsOfBatch(Connection& connection,
                                                 const StudyHandle& study,
                                                 const std::string& import_batch) {
  Query query(connection,
              "SELECT row_number FROM experiments WHERE study_key = ?1 AND import_batch = ?2 "
              "AND import_batch <> '' ORDER BY row_number",
              study.key,
              import_batch);
  std::vector<int64_t> rows;
  while (query.Next()) rows.push_back(query.Int(0));
  if (rows.empty()) return BatchNotFound(study, import_batch);
  return rows;
}

// Names of other studies, and numbers the study has not, are NOT_FOUND.
absl::StatusOr<std::vector<int64_t>> RowsOfNames(const StudyHandle& study,
                                                 const std::vector<std::string>& names) {
  std::vector<int64_t> rows;
  rows.reserve(names.size());
  for (const std::string& name : names) {
    const std::optional<ChildName> parts = ParseChildName(name, "experiments");
    const std::optional<int64_t> row = parts ? ParseNumber(parts->id) : std::nullopt;
    if (!row.has_value() || parts->study != study.name) return NotFound("experiment", name);
    rows.push_back(*row);
  }
  return rows;
}

// Changes the marks of one request, row by row.
class Marker {
 public:
  Marker(WriteContext& context, StudyHandle study, const ExclusionChange& change, bool excluded)
      : context_(context), study_(std::move(study)), change_(change), excluded_(excluded) {}

  absl::StatusOr<ExclusionRecord> Run() {
    ASSIGN_OR_RETURN(const std::vector<int64_t> rows,
                     change_.names.empty()
                         ? RowsOfBatch(context_.connection, study_, change_.import_batch)
                         : RowsOfNames(study_, change_.names));
    for (size_t index = 0; index < rows.size(); ++index) {
      RETURN_IF_ERROR(Mark(static_cast<int>(index), rows[index]));
    }
    if (!conflicts_.empty()) {
      const int64_t first = rows[static_cast<size_t>(conflicts_.front().index)];
      return ConflictError(ExperimentName(study_.name, first), conflicts_);
    }
    if (!index_of_changed_row_.empty()) Finish();
    ExclusionRecord record;
    record.set_revision(study_.revision);
    record.set_changed_count(static_cast<int64_t>(index_of_changed_row_.size()));
    return record;
  }

 private:
  absl::Status Mark(int index, int64_t row_number) {
    ASSIGN_OR_RETURN(const v1::Experiment row,
                     LoadExperiment(context_.connection, study_, row_number));
    if (row.excluded() == excluded_) return absl::OkStatus();
    if (!excluded_) {
      if (const int64_t holder = FindByNaturalKey(context_.connection, study_.key, row);
          holder != 0) {
        return AddConflict(index, row, holder);
      }
    }
    Query(context_.connection,
          "UPDATE experiments SET excluded = ?3, exclude_reason = ?4 "
          "WHERE study_key = ?1 AND row_number = ?2",
          study_.key,
          row_number,
          excluded_,
          excluded_ ? change_.reason : std::string())
        .Run();
    AppendExclusionChange(
        context_.connection, study_.key, study_.revision + 1, row_number, excluded_);
    index_of_changed_row_.emplace(row_number, index);
    return absl::OkStatus();
  }

  // Row number `holder` has taken the key since; it may be an earlier row of the
  // same request.
  absl::Status AddConflict(int index, const v1::Experiment& row, int64_t holder) {
    ASSIGN_OR_RETURN(const v1::Experiment existing,
                     LoadExperiment(context_.connection, study_, holder));
    RowConflict conflict{.index = index, .differing_fields = DifferingFields(existing, row)};
    const auto earlier = index_of_changed_row_.find(holder);
    if (earlier == index_of_changed_row_.end()) {
      conflict.existing_experiment = existing.name();
    } else {
      conflict.earlier_index = earlier->second;
    }
    conflicts_.push_back(std::move(conflict));
    return absl::OkStatus();
  }

  void Finish() {
    const auto changed_count = static_cast<int64_t>(index_of_changed_row_.size());
    ++study_.revision;
    study_.experiment_count += excluded_ ? -changed_count : changed_count;
    study_.excluded_experiment_count += excluded_ ? changed_count : -changed_count;
    SaveStudyState(context_, study_);
    AppendChange(context_.connection,
                 study_.key,
                 {.kind = excluded_ ? "exclude" : "include",
                  .revision = study_.revision,
                  .description = change_.reason,
                  .request_id = change_.request.request_id,
                  .time = context_.now_microseconds});
  }

  WriteContext& context_;
  StudyHandle study_;
  const ExclusionChange& change_;
  const bool excluded_;
  std::map<int64_t, int> index_of_changed_row_;
  std::vector<RowConflict> conflicts_;
};

}  // namespace

absl::StatusOr<ExclusionResult> SetExclusion(WriteContext& context,
                                             const ExclusionChange& change,
                                             bool excluded) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(context.connection, change.study));
  ASSIGN_OR_RETURN(const ExclusionRecord record,
                   Once<ExclusionRecord>(context, study.key, change.request, [&] {
                     return Marker(context, study, change, excluded).Run();
                   }));
  return ExclusionResult{record.revision(), record.changed_count()};
}

}  // namespace bitbudget::db
