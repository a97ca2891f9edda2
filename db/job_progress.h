// What a worker reports while it trains. See job_store.h for the contracts of
// the calls.

#ifndef BITBUDGET_DB_JOB_PROGRESS_H_
#define BITBUDGET_DB_JOB_PROGRESS_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "db/connection.h"
#include "db/job_row.h"
#include "db/job_store.h"
#include "db/writer.h"

namespace bitbudget::db {

// Points of a learning curve that are kept.
inline constexpr int kMostCurvePoints = 512;

// The answer to a report that changes nothing; nullopt if it would.
absl::StatusOr<std::optional<ProgressResult>> AnswerBareReport(Connection& connection,
                                                               const ProgressReport& report);
absl::StatusOr<ProgressResult> ReportProgress(WriteContext& context, const ProgressReport& report);

// Appends points beyond the last stored one, and thins the curve.
void StorePoints(const WriteContext& context,
                 const StoredJob& stored,
                 const std::vector<v1::ProgressPoint>& points);

// Those of the same milestone replace earlier ones.
void StoreCheckpoints(const WriteContext& context,
                      int64_t job_key,
                      const std::vector<v1::Checkpoint>& checkpoints);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_JOB_PROGRESS_H_
