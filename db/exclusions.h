// Setting and clearing exclusion marks. See store.h for the contracts.

#ifndef BITBUDGET_DB_EXCLUSIONS_H_
#define BITBUDGET_DB_EXCLUSIONS_H_

#include "absl/status/statusor.h"
#include "db/store.h"
#include "db/writer.h"

namespace bitbudget::db {

// Sets the marks (`excluded`) or clears them.
absl::StatusOr<ExclusionResult> SetExclusion(WriteContext& context,
                                             const ExclusionChange& change,
                                             bool excluded);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_EXCLUSIONS_H_
