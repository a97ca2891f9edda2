// The experiment that a job brings, in its place among the others.

#ifndef BITBUDGET_DB_JOB_RESULT_H_
#define BITBUDGET_DB_JOB_RESULT_H_

#include <string>

#include "absl/status/statusor.h"
#include "bitbudget/v1/experiment.pb.h"
#include "db/job_row.h"
#include "db/writer.h"

namespace bitbudget::db {

// Stores the experiment of an attempt, or finds it if the attempt has brought it
// before. `wins`: the attempt is the one by which the job succeeds; late
// measurements of other attempts are then excluded as superseded, unless one of
// them is the very same, which then is the result. Otherwise the row is a late
// measurement, excluded from the start if the job has succeeded otherwise.
//
// A row that contradicts a run which did not come from this job is stored
// excluded: the run that was there first stays.
absl::StatusOr<v1::Experiment> StoreResult(WriteContext& context,
                                           const StoredJob& stored,
                                           int attempt,
                                           const v1::Experiment& experiment,
                                           const std::string& content_hash,
                                           bool wins);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_JOB_RESULT_H_
