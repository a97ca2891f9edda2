// Rows that claim a natural key with other content.

#ifndef BITBUDGET_DB_ROW_CONFLICT_H_
#define BITBUDGET_DB_ROW_CONFLICT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bitbudget/v1/error_details.pb.h"
#include "bitbudget/v1/experiment.pb.h"
#include "util/error.h"

namespace bitbudget::db {

// Most conflicts or rejected rows that one reply lists.
inline constexpr int kMaxReportedRows = 100;

// Names of the fields outside the natural key in which two rows differ.
std::vector<std::string> DifferingFields(const v1::Experiment& a, const v1::Experiment& b);

// ALREADY_EXISTS, EXPERIMENT_CONFLICT, with the first 100 of `conflicts` (at
// least one); metadata "conflict_count" has their number. `first` is what the
// message calls the first of them.
absl::Status ConflictError(const std::string& first, const std::vector<RowConflict>& conflicts);

// The same as an entry of a list of rejected rows.
v1::RejectedRow RejectedBy(const RowConflict& conflict);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_ROW_CONFLICT_H_
