// How an attempt ends: with a result, by a failure, or given back. See
// job_store.h for the contracts of the calls.

#ifndef BITBUDGET_DB_JOB_END_H_
#define BITBUDGET_DB_JOB_END_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "db/job_store.h"
#include "db/writer.h"

namespace bitbudget::db {

// `content_hash` is that of the experiment, empty if there is none.
absl::StatusOr<CompletionResult> CompleteJob(WriteContext& context,
                                             const Completion& completion,
                                             const std::string& content_hash);
absl::StatusOr<AttemptEnd> FailJob(WriteContext& context,
                                   const Attempt& attempt,
                                   const v1::JobFailure& failure);
absl::StatusOr<AttemptEnd> ReleaseJob(WriteContext& context,
                                      const Attempt& attempt,
                                      const std::vector<v1::Checkpoint>& checkpoints);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_JOB_END_H_
