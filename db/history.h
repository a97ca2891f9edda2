// The append-only history of a study: its revisions, and the rows as they were
// at one of them.

#ifndef BITBUDGET_DB_HISTORY_H_
#define BITBUDGET_DB_HISTORY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "db/connection.h"
#include "db/store.h"
#include "db/studies.h"

namespace bitbudget::db {

// One entry of the history. `kind` is one of those in the schema.
struct Change {
  std::string_view kind;
  int64_t revision = 0;          // of the study after the change
  int64_t first_row_number = 0;  // rows stored; 0: none
  int64_t last_row_number = 0;
  std::string definition;   // of the study after the change; empty: unchanged
  std::string description;  // reason, batch label, options changed
  std::string request_id;
  int64_t time = 0;  // microseconds
};

void AppendChange(Connection& connection, int64_t study_key, const Change& change);

// Records that the mark of a row was set or cleared by `revision`.
void AppendExclusionChange(
    Connection& connection, int64_t study_key, int64_t revision, int64_t row_number, bool excluded);

// See Store::ReadExclusionsSince.
std::vector<Store::ExclusionEvent> ReadExclusionsSince(Connection& connection,
                                                       int64_t study_key,
                                                       int64_t revision);

// See Store::ReadFittingRows.
absl::Status ReadFittingRows(Connection& connection,
                             const StudyHandle& study,
                             int64_t revision,
                             int64_t after_row,
                             const std::function<void(const Store::FittingRow&)>& visit);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_HISTORY_H_
