// ExperimentService of the contract as plain functions; an import is an object,
// because it takes its request in pieces. Thread-safe.

#ifndef BITBUDGET_SERVER_EXPERIMENT_SERVICE_H_
#define BITBUDGET_SERVER_EXPERIMENT_SERVICE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/experiment.pb.h"
#include "server/call_context.h"
#include "server/refit_scheduler.h"

namespace bitbudget::server {

class ExperimentService {
 public:
  // Everything is borrowed.
  ExperimentService(const FitParts& parts, RefitScheduler& refits)
      : parts_(parts), refits_(refits) {}

  // Errors and repeats as experiment.proto says.
  absl::StatusOr<v1::CreateExperimentResponse> CreateExperiment(
      const CallContext& call, const v1::CreateExperimentRequest& request);
  absl::StatusOr<v1::BatchCreateExperimentsResponse> BatchCreateExperiments(
      const CallContext& call, const v1::BatchCreateExperimentsRequest& request);
  absl::StatusOr<v1::Experiment> GetExperiment(const CallContext& call,
                                               const v1::GetExperimentRequest& request);
  absl::StatusOr<v1::ListExperimentsResponse> ListExperiments(
      const CallContext& call, const v1::ListExperimentsRequest& request);
  absl::StatusOr<v1::ExcludeExperimentsResponse> ExcludeExperiments(
      const CallContext& call, const v1::ExcludeExperimentsRequest& request);
  absl::StatusOr<v1::IncludeExperimentsResponse> IncludeExperiments(
      const CallContext& call, const v1::IncludeExperimentsRequest& request);

  // The messages of an export, read from one revision. All of them at once, a few
  // hundred bytes a run: a slow receiver must not keep one of the database's
  // few readers, nor its log from being truncated.
  absl::StatusOr<std::vector<v1::ExportExperimentsResponse>> ExportExperiments(
      const CallContext& call, const v1::ExportExperimentsRequest& request);

 private:
  friend class ExperimentImport;

  // Stores valid rows, and tells those who fit if that changed anything.
  absl::StatusOr<db::InsertResult> Insert(const db::InsertBatch& batch);
  void TellRevision(const std::string& study, int64_t revision, bool has_changed);

  const FitParts parts_;
  RefitScheduler& refits_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_EXPERIMENT_SERVICE_H_
