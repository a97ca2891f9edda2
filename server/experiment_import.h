// An import of many runs that arrive in pieces: checked as they come, stored at
// the end in one transaction. Used by one thread.

#ifndef BITBUDGET_SERVER_EXPERIMENT_IMPORT_H_
#define BITBUDGET_SERVER_EXPERIMENT_IMPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/experiment.pb.h"
#include "server/experiment_service.h"
#include "server/request_hash.h"

namespace bitbudget::server {

class ExperimentImport {
 public:
  // `service` is borrowed.
  explicit ExperimentImport(ExperimentService& service) : service_(service) {}

  // Takes the next message and its rows. An error ends the import: NOT_FOUND for
  // an unknown study, INVALID_ARGUMENT for a message out of order, too many rows.
  // Rows that break a rule are no error before Finish.
  absl::Status Add(v1::ImportExperimentsRequest message);

  // Stores what has come. Call once, after the last message.
  //
  // Errors, and then nothing is stored:
  // - INVALID_ARGUMENT, ROWS_REJECTED, with a RejectedRow for each of the first
  //   100 problems: a row breaks a rule and skip_invalid is not set.
  // - those of db::Store::InsertExperiments.
  absl::StatusOr<v1::ImportExperimentsResponse> Finish();

 private:
  absl::Status Begin(const v1::ImportExperimentsRequest& first);
  void AddRow(v1::Experiment row);
  absl::Status RejectedRows() const;
  db::RequestKey RequestKey();
  // Positions of rows among those kept, as positions among all rows.
  void RestorePositions(std::vector<v1::RejectedRow>& rows) const;

  ExperimentService& service_;
  bool has_begun_ = false;
  v1::ImportExperimentsRequest first_;  // without its rows
  v1::ParameterConvention convention_ = v1::NON_EMBEDDING;
  RequestHasher hasher_;
  int64_t row_count_ = 0;  // seen
  int64_t rejected_count_ = 0;
  std::vector<v1::RejectedRow> rejected_;  // the first 100 problems
  std::vector<v1::Experiment> kept_;
  std::vector<int64_t> kept_positions_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_EXPERIMENT_IMPORT_H_
