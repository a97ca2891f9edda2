// Storing measured runs. See store.h for the contracts of the calls.

#ifndef BITBUDGET_DB_EXPERIMENT_INSERT_H_
#define BITBUDGET_DB_EXPERIMENT_INSERT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "db/store.h"
#include "db/writer.h"

namespace bitbudget::db {

// The content hashes of `batch`, in its order. Takes time, so do it outside the
// writer's thread.
std::vector<std::string> HashExperiments(const InsertBatch& batch);

absl::StatusOr<InsertResult> InsertExperiments(WriteContext& context,
                                               const InsertBatch& batch,
                                               const std::vector<std::string>& hashes);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_EXPERIMENT_INSERT_H_
