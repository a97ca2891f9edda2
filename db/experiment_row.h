// The one mapping between v1.Experiment and the columns of its table.

#ifndef BITBUDGET_DB_EXPERIMENT_ROW_H_
#define BITBUDGET_DB_EXPERIMENT_ROW_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "bitbudget/v1/experiment.pb.h"
#include "db/connection.h"

// Start of a SELECT that ReadExperiment reads. A macro, so that whole queries
// are literals.
#define BITBUDGET_SELECT_EXPERIMENTS                                                           \
  "SELECT row_number, role, recipe, optimizer, schedule, parameters, fp_tokens, qat_tokens, "  \
  "weight_bits, activation_bits, group_size, replicate, embedding_parameters, trunk, "         \
  "loss_nats, loss_stderr_nats, note, content_hash, import_batch, source_line, job, attempt, " \
  "code_version, create_time, create_revision, excluded, exclude_reason FROM experiments "

namespace bitbudget::db {

// "studies/{study}/experiments/{row number}".
std::string ExperimentName(const std::string& study_name, int64_t row_number);

// Reads the current row of a SELECT as above, checks its hash, and fills
// `experiment`. Returns its row number.
absl::StatusOr<int64_t> ReadExperiment(SQLite::Statement& row,
                                       const std::string& study_name,
                                       const std::string& path,
                                       v1::Experiment& experiment);

// What the store adds to a row when it is stored.
struct StoredAs {
  int64_t study_key = 0;
  int64_t row_number = 0;
  int64_t create_time = 0;  // microseconds
  int64_t create_revision = 0;
  std::string import_batch;
  bool excluded = false;  // from the start
  std::string exclude_reason;
};

// Inserts a row unless its natural key is taken; false if it is. A row that is
// excluded has no key to be taken. `content_hash` has 32 bytes.
bool InsertRow(Connection& connection,
               const v1::Experiment& experiment,
               const std::string& content_hash,
               const StoredAs& stored_as);

// Fills the output-only fields of a row just stored as InsertRow stores them.
void SetStoredFields(const std::string& study_name,
                     const std::string& content_hash,
                     const StoredAs& stored_as,
                     v1::Experiment& experiment);

// Number of the row, not excluded, that has the natural key of `experiment`; 0
// if there is none.
int64_t FindByNaturalKey(Connection& connection,
                         int64_t study_key,
                         const v1::Experiment& experiment);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_EXPERIMENT_ROW_H_
