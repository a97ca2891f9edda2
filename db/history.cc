#include "db/history.h"

#include <unordered_map>

#include "db/experiment_row.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

// The marks, as they were at `revision`, of the rows whose mark changed later:
// the opposite of what the first later change made of them.
std::unordered_map<int64_t, bool> EarlierMarks(Connection& connection,
                                               int64_t study_key,
                                               int64_t revision) {
  std::unordered_map<int64_t, bool> excluded;
  for (const Store::ExclusionEvent& event : ReadExclusionsSince(connection, study_key, revision)) {
    excluded.try_emplace(event.row_number, !event.excluded);
  }
  return excluded;
}

}  // namespace

void AppendChange(Connection& connection, int64_t study_key, const Change& change) {
  Query(connection,
        "INSERT INTO changes (study_key, revision, kind, first_row_number, last_row_number, "
        "definition, description, request_id, time) "
        "VALUES (?1, ?2, ?3, nullif(?4, 0), nullif(?5, 0), nullif(?6, x''), ?7, ?8, ?9)",
        study_key,
        change.revision,
        std::string(change.kind),
        change.first_row_number,
        change.last_row_number,
        Blob{change.definition},
        change.description,
        change.request_id,
        change.time)
      .Run();
}

void AppendExclusionChange(Connection& connection,
                           int64_t study_key,
                           int64_t revision,
                           int64_t row_number,
                           bool excluded) {
  Query(connection,
        "INSERT INTO exclusion_changes (study_key, revision, row_number, excluded) "
        "VALUES (?1, ?2, ?3, ?4)",
        study_key,
        revision,
        row_number,
        excluded)
      .Run();
}

std::vector<Store::ExclusionEvent> ReadExclusionsSince(Connection& connection,
                                                       int64_t study_key,
                                                       int64_t revision) {
  Query query(connection,
              "SELECT revision, row_number, excluded FROM exclusion_changes "
              "WHERE study_key = ?1 AND revision > ?2 ORDER BY revision, row_number",
              study_key,
              revision);
  std::vector<Store::ExclusionEvent> events;
  while (query.Next()) events.push_back({query.Int(0), query.Int(1), query.Int(2) != 0});
  return events;
}

absl::Status ReadFittingRows(Connection& connection,
                             const StudyHandle& study,
                             int64_t revision,
                             int64_t after_row,
                             const std::function<void(const Store::FittingRow&)>& visit) {
  const auto earlier_marks = EarlierMarks(connection, study.key, revision);
  Query query(connection,
              BITBUDGET_SELECT_EXPERIMENTS
              "WHERE study_key = ?1 AND row_number > ?2 AND create_revision <= ?3 "
              "ORDER BY row_number",
              study.key,
              after_row,
              revision);
  v1::Experiment experiment;
  while (query.Next()) {
    ASSIGN_OR_RETURN(const int64_t row_number,
                     ReadExperiment(query.statement(), study.name, connection.path(), experiment));
    if (const auto mark = earlier_marks.find(row_number); mark != earlier_marks.end()) {
      experiment.set_excluded(mark->second);
      experiment.clear_exclude_reason();
    }
    visit({row_number, &experiment});
  }
  return absl::OkStatus();
}

}  // namespace bitbudget::db
