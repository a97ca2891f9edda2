// The client of bitbudget-server: one typed call for each RPC of the contract.
//
// Every call has a deadline. Within it, a call that the server refuses for want of
// a place, saying how long to wait, waits (with jitter) and asks again. Calls that
// are safe to repeat are repeated, with backoff, while the server is unavailable:
// reads always, writes because every write carries a request_id, which the client
// makes up if the caller has not.
// What a call does, and its errors, stand at the RPC in proto/bitbudget/v1;
// four are the client's own:
// - UNAVAILABLE, reason SERVER_UNREACHABLE (IsServerUnreachable): no server
//   answers at the address, or the connection broke and did not come back.
// - DEADLINE_EXCEEDED: the server did not answer in time. A write may or may not
//   have happened; repeating it with the same request_id is safe.
// - INVALID_ARGUMENT: the address given to Connect is no HOST:PORT.
// - INVALID_ARGUMENT: text of the request is not UTF-8; the fields are named.
// Errors of the server carry the details of util/error.h.
//
// Thread-safe.

#ifndef BITBUDGET_CLIENT_CPP_CLIENT_H_
#define BITBUDGET_CLIENT_CPP_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bitbudget/v1/campaign.pb.h"
#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/fit.pb.h"
#include "bitbudget/v1/job.pb.h"
#include "bitbudget/v1/law.pb.h"
#include "bitbudget/v1/planner.pb.h"
#include "bitbudget/v1/study.pb.h"

namespace bitbudget::client {

inline constexpr char kDefaultAddress[] = "127.0.0.1:7411";

struct ClientOptions {
  // For calls that answer at once, retries included. Positive; infinite waits
  // for ever.
  absl::Duration timeout = absl::Seconds(10);

  // For calls that work or wait: fits, replays, imports, exports, backups, and
  // questions with min_revision.
  absl::Duration long_timeout = absl::Minutes(10);
};

// True if no server answered; see above.
bool IsServerUnreachable(const absl::Status& status);

// "studies/NAME", from a study's id or its full name.
std::string StudyName(std::string_view id_or_name);

class Connection;

class Client {
 public:
  // Prepares calls to "HOST:PORT". Does not wait for the server: the first call
  // does. INVALID_ARGUMENT for another form of address.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const std::string& address,
                                                         const ClientOptions& options = {});
  ~Client();

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Studies.
  absl::StatusOr<v1::Study> CreateStudy(v1::CreateStudyRequest request);
  absl::StatusOr<v1::Study> GetStudy(const v1::GetStudyRequest& request);
  absl::StatusOr<v1::ListStudiesResponse> ListStudies(const v1::ListStudiesRequest& request);
  absl::StatusOr<v1::Study> UpdateStudy(v1::UpdateStudyRequest request);
  absl::StatusOr<v1::DeleteStudyResponse> DeleteStudy(v1::DeleteStudyRequest request);

  // Not repeated while the server is unavailable: it has no request_id.
  absl::StatusOr<v1::BackupResponse> Backup(const v1::BackupRequest& request);

  // Waits until the study's current fit covers `revision` and returns the study;
  // asks again and again, at growing intervals of up to a second.
  // FAILED_PRECONDITION with the server's reason if the newest revision cannot
  // be fitted or has no experiments; DEADLINE_EXCEEDED after long_timeout.
  absl::StatusOr<v1::Study> WaitForFit(const std::string& study_name, int64_t revision);

  // Experiments.
  absl::StatusOr<v1::CreateExperimentResponse> CreateExperiment(
      v1::CreateExperimentRequest request);
  absl::StatusOr<v1::BatchCreateExperimentsResponse> BatchCreateExperiments(
      v1::BatchCreateExperimentsRequest request);
  absl::StatusOr<v1::Experiment> GetExperiment(const v1::GetExperimentRequest& request);
  absl::StatusOr<v1::ListExperimentsResponse> ListExperiments(
      const v1::ListExperimentsRequest& request);
  absl::StatusOr<v1::ExcludeExperimentsResponse> ExcludeExperiments(
      v1::ExcludeExperimentsRequest request);
  absl::StatusOr<v1::IncludeExperimentsResponse> IncludeExperiments(
      v1::IncludeExperimentsRequest request);

  // Streams `rows` as one import; `header` is its first message, without
  // experiments. `on_progress`, if set, hears how many rows have been sent, as
  // the server takes them; it starts again from 0 when the import is repeated.
  absl::StatusOr<v1::ImportExperimentsResponse> ImportExperiments(
      v1::ImportExperimentsRequest header,
      std::span<const v1::Experiment> rows,
      const std::function<void(int64_t)>& on_progress = {});

  // Calls `on_message` with every message of the export in turn; an error that
  // it returns ends the export and is returned. Not repeated once rows have come.
  absl::Status ExportExperiments(
      const v1::ExportExperimentsRequest& request,
      const std::function<absl::Status(const v1::ExportExperimentsResponse&)>& on_message);

  // Fits.
  absl::StatusOr<v1::Fit> RunFit(v1::RunFitRequest request);
  absl::StatusOr<v1::Fit> GetFit(const v1::GetFitRequest& request);
  absl::StatusOr<v1::ListFitsResponse> ListFits(const v1::ListFitsRequest& request);
  absl::StatusOr<v1::ReplayFitResponse> ReplayFit(const v1::ReplayFitRequest& request);
  absl::StatusOr<v1::LawComparison> CompareLaws(v1::CompareLawsRequest request);
  absl::StatusOr<v1::LawComparison> GetLawComparison(const v1::GetLawComparisonRequest& request);
  absl::StatusOr<v1::ListLawComparisonsResponse> ListLawComparisons(
      const v1::ListLawComparisonsRequest& request);
  absl::StatusOr<v1::ExplainFitResponse> ExplainFit(const v1::ExplainFitRequest& request);

  // Laws.
  absl::StatusOr<v1::ListLawsResponse> ListLaws(const v1::ListLawsRequest& request);
  absl::StatusOr<v1::Law> GetLaw(const v1::GetLawRequest& request);

  // Questions.
  absl::StatusOr<v1::PredictLossResponse> PredictLoss(const v1::PredictLossRequest& request);
  absl::StatusOr<v1::OptimizeQatFractionResponse> OptimizeQatFraction(
      const v1::OptimizeQatFractionRequest& request);
  absl::StatusOr<v1::EvaluateGridResponse> EvaluateGrid(const v1::EvaluateGridRequest& request);
  absl::StatusOr<v1::OptimizeBitWidthResponse> OptimizeBitWidth(
      const v1::OptimizeBitWidthRequest& request);
  absl::StatusOr<v1::CompareToFullPrecisionResponse> CompareToFullPrecision(
      const v1::CompareToFullPrecisionRequest& request);
  absl::StatusOr<v1::EstimateWasteResponse> EstimateWaste(const v1::EstimateWasteRequest& request);
  absl::StatusOr<v1::PlanTrainingResponse> PlanTraining(const v1::PlanTrainingRequest& request);
  absl::StatusOr<v1::ListDevicesResponse> ListDevices(const v1::ListDevicesRequest& request);

  // Jobs, for those who order trainings. The effect of a repeat is nothing.
  absl::StatusOr<v1::Job> CreateJob(v1::CreateJobRequest request);
  absl::StatusOr<v1::Job> GetJob(const v1::GetJobRequest& request);
  absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request);
  absl::StatusOr<v1::Job> CancelJob(const v1::CancelJobRequest& request);
  absl::StatusOr<v1::Job> RetryJob(v1::RetryJobRequest request);
  absl::StatusOr<v1::DrainWorkerResponse> DrainWorker(const v1::DrainWorkerRequest& request);

  // Calls `on_message` with the present state and every change, until it returns
  // false; that or the end of the stream is OK. Begins anew, with the present
  // state, if the connection breaks. DEADLINE_EXCEEDED after long_timeout.
  absl::Status WatchJobs(const v1::WatchJobsRequest& request,
                         const std::function<bool(const v1::WatchJobsResponse&)>& on_message);
  absl::Status WatchCampaign(
      const v1::WatchCampaignRequest& request,
      const std::function<bool(const v1::WatchCampaignResponse&)>& on_message);

  // Jobs, for those who carry them out. LeaseJob may take `wait` on top of the
  // timeout.
  absl::StatusOr<v1::LeaseJobResponse> LeaseJob(v1::LeaseJobRequest request);
  absl::StatusOr<v1::ReportProgressResponse> ReportProgress(
      const v1::ReportProgressRequest& request);
  absl::StatusOr<v1::CompleteJobResponse> CompleteJob(const v1::CompleteJobRequest& request);
  absl::StatusOr<v1::FailJobResponse> FailJob(const v1::FailJobRequest& request);
  absl::StatusOr<v1::ReleaseJobResponse> ReleaseJob(const v1::ReleaseJobRequest& request);

  // Campaigns.
  absl::StatusOr<v1::Campaign> CreateCampaign(v1::CreateCampaignRequest request);
  absl::StatusOr<v1::Campaign> GetCampaign(const v1::GetCampaignRequest& request);
  absl::StatusOr<v1::ListCampaignsResponse> ListCampaigns(const v1::ListCampaignsRequest& request);
  absl::StatusOr<v1::Campaign> CancelCampaign(const v1::CancelCampaignRequest& request);
  absl::StatusOr<v1::Campaign> RetryCampaign(v1::RetryCampaignRequest request);

 private:
  explicit Client(std::unique_ptr<Connection> connection);

  const std::unique_ptr<Connection> connection_;
};

}  // namespace bitbudget::client

#endif  // BITBUDGET_CLIENT_CPP_CLIENT_H_
