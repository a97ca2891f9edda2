#include "client/cpp/client.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "client/cpp/connection.h"
#include "client/cpp/request_id.h"
#include "util/error.h"

namespace bitbudget::client {
namespace {

constexpr std::string_view kStudies = "studies/";

bool IsHostAndPort(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  if (address.find('/') != std::string::npos) return false;  // "http://localhost:7411"
  int port = 0;
  const char* const end = address.data() + address.size();
  const auto [parsed, error] = std::from_chars(address.data() + colon + 1, end, port);
  return error == std::errc() && parsed == end && port > 0 && port <= 65535;
}

absl::Duration TimeoutOf(const v1::LawSource& source, const ClientOptions& options) {
  return source.min_revision() > 0 ? options.long_timeout : options.timeout;
}

}  // namespace

std::string StudyName(std::string_view id_or_name) {
  if (id_or_name.substr(0, kStudies.size()) == kStudies) return std::string(id_or_name);
  return fmt::format("{}{}", kStudies, id_or_name);
}

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const std::string& address,
                                                        const ClientOptions& options) {
  if (!IsHostAndPort(address)) {
    return InvalidField(
        "server", fmt::format("'{}' is not HOST:PORT, for example {}", address, kDefaultAddress));
  }
  return std::unique_ptr<Client>(new Client(std::make_unique<Connection>(address, options)));
}

Client::Client(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

Client::~Client() = default;

absl::StatusOr<v1::Study> Client::CreateStudy(v1::CreateStudyRequest request) {
  EnsureRequestId(request);
  return connection_->Call(connection_->studies,
                           &v1::StudyService::Stub::CreateStudy,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::Study> Client::GetStudy(const v1::GetStudyRequest& request) {
  return connection_->Call(connection_->studies,
                           &v1::StudyService::Stub::GetStudy,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::ListStudiesResponse> Client::ListStudies(const v1::ListStudiesRequest& request) {
  return connection_->Call(connection_->studies,
                           &v1::StudyService::Stub::ListStudies,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::Study> Client::UpdateStudy(v1::UpdateStudyRequest request) {
  EnsureRequestId(request);
  return connection_->Call(connection_->studies,
                           &v1::StudyService::Stub::UpdateStudy,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::DeleteStudyResponse> Client::DeleteStudy(v1::DeleteStudyRequest request) {
  EnsureRequestId(request);
  return connection_->Call(connection_->studies,
                           &v1::StudyService::Stub::DeleteStudy,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::BackupResponse> Client::Backup(const v1::BackupRequest& request) {
  return connection_->Call(connection_->studies,
                           &v1::StudyService::Stub::Backup,
                           request,
                           connection_->options().long_timeout,
                           Repeatable::kNo);
}

absl::StatusOr<v1::CreateExperimentResponse> Client::CreateExperiment(
    v1::CreateExperimentRequest request) {
  EnsureRequestId(request);
  return connection_->Call(connection_->experiments,
                           &v1::ExperimentService::Stub::CreateExperiment,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::BatchCreateExperimentsResponse> Client::BatchCreateExperiments(
    v1::BatchCreateExperimentsRequest request) {
  EnsureRequestId(request);
  return connection_->Call(connection_->experiments,
                           &v1::ExperimentService::Stub::BatchCreateExperiments,
                           request,
                           connection_->options().long_timeout);
}

absl::StatusOr<v1::Experiment> Client::GetExperiment(const v1::GetExperimentRequest& request) {
  return connection_->Call(connection_->experiments,
                           &v1::ExperimentService::Stub::GetExperiment,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::ListExperimentsResponse> Client::ListExperiments(
    const v1::ListExperimentsRequest& request) {
  return connection_->Call(connection_->experiments,
                           &v1::ExperimentService::Stub::ListExperiments,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::ExcludeExperimentsResponse> Client::ExcludeExperiments(
    v1::ExcludeExperimentsRequest request) {
  EnsureRequestId(request);
  return connection_->Call(connection_->experiments,
                           &v1::ExperimentService::Stub::ExcludeExperiments,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::IncludeExperimentsResponse> Client::IncludeExperiments(
    v1::IncludeExperimentsRequest request) {
  EnsureRequestId(request);
  return connection_->Call(connection_->experiments,
                           &v1::ExperimentService::Stub::IncludeExperiments,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::Fit> Client::RunFit(v1::RunFitRequest request) {
  EnsureRequestId(request);
  return connection_->Call(connection_->fits,
                           &v1::FitService::Stub::RunFit,
                           request,
                           connection_->options().long_timeout);
}

absl::StatusOr<v1::Fit> Client::GetFit(const v1::GetFitRequest& request) {
  return connection_->Call(
      connection_->fits, &v1::FitService::Stub::GetFit, request, connection_->options().timeout);
}

absl::StatusOr<v1::ListFitsResponse> Client::ListFits(const v1::ListFitsRequest& request) {
  return connection_->Call(
      connection_->fits, &v1::FitService::Stub::ListFits, request, connection_->options().timeout);
}

absl::StatusOr<v1::ReplayFitResponse> Client::ReplayFit(const v1::ReplayFitRequest& request) {
  return connection_->Call(connection_->fits,
                           &v1::FitService::Stub::ReplayFit,
                           request,
                           connection_->options().long_timeout);
}

absl::StatusOr<v1::LawComparison> Client::CompareLaws(v1::CompareLawsRequest request) {
  EnsureRequestId(request);
  return connection_->Call(connection_->fits,
                           &v1::FitService::Stub::CompareLaws,
                           request,
                           connection_->options().long_timeout);
}

absl::StatusOr<v1::LawComparison> Client::GetLawComparison(
    const v1::GetLawComparisonRequest& request) {
  return connection_->Call(connection_->fits,
                           &v1::FitService::Stub::GetLawComparison,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::ListLawComparisonsResponse> Client::ListLawComparisons(
    const v1::ListLawComparisonsRequest& request) {
  return connection_->Call(connection_->fits,
                           &v1::FitService::Stub::ListLawComparisons,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::ExplainFitResponse> Client::ExplainFit(const v1::ExplainFitRequest& request) {
  return connection_->Call(connection_->fits,
                           &v1::FitService::Stub::ExplainFit,
                           request,
                           connection_->options().long_timeout);
}

absl::StatusOr<v1::ListLawsResponse> Client::ListLaws(const v1::ListLawsRequest& request) {
  return connection_->Call(
      connection_->laws, &v1::LawService::Stub::ListLaws, request, connection_->options().timeout);
}

absl::StatusOr<v1::Law> Client::GetLaw(const v1::GetLawRequest& request) {
  return connection_->Call(
      connection_->laws, &v1::LawService::Stub::GetLaw, request, connection_->options().timeout);
}

absl::StatusOr<v1::PredictLossResponse> Client::PredictLoss(const v1::PredictLossRequest& request) {
  return connection_->Call(connection_->planner,
                           &v1::PlannerService::Stub::PredictLoss,
                           request,
                           TimeoutOf(request.source(), connection_->options()));
}

absl::StatusOr<v1::OptimizeQatFractionResponse> Client::OptimizeQatFraction(
    const v1::OptimizeQatFractionRequest& request) {
  return connection_->Call(connection_->planner,
                           &v1::PlannerService::Stub::OptimizeQatFraction,
                           request,
                           TimeoutOf(request.source(), connection_->options()));
}

absl::StatusOr<v1::EvaluateGridResponse> Client::EvaluateGrid(
    const v1::EvaluateGridRequest& request) {
  return connection_->Call(connection_->planner,
                           &v1::PlannerService::Stub::EvaluateGrid,
                           request,
                           connection_->options().long_timeout);
}

absl::StatusOr<v1::OptimizeBitWidthResponse> Client::OptimizeBitWidth(
    const v1::OptimizeBitWidthRequest& request) {
  return connection_->Call(connection_->planner,
                           &v1::PlannerService::Stub::OptimizeBitWidth,
                           request,
                           TimeoutOf(request.source(), connection_->options()));
}

absl::StatusOr<v1::CompareToFullPrecisionResponse> Client::CompareToFullPrecision(
    const v1::CompareToFullPrecisionRequest& request) {
  return connection_->Call(connection_->planner,
                           &v1::PlannerService::Stub::CompareToFullPrecision,
                           request,
                           TimeoutOf(request.source(), connection_->options()));
}

absl::StatusOr<v1::EstimateWasteResponse> Client::EstimateWaste(
    const v1::EstimateWasteRequest& request) {
  return connection_->Call(connection_->planner,
                           &v1::PlannerService::Stub::EstimateWaste,
                           request,
                           TimeoutOf(request.source(), connection_->options()));
}

absl::StatusOr<v1::PlanTrainingResponse> Client::PlanTraining(
    const v1::PlanTrainingRequest& request) {
  return connection_->Call(connection_->planner,
                           &v1::PlannerService::Stub::PlanTraining,
                           request,
                           TimeoutOf(request.source(), connection_->options()));
}

absl::StatusOr<v1::ListDevicesResponse> Client::ListDevices(const v1::ListDevicesRequest& request) {
  return connection_->Call(connection_->planner,
                           &v1::PlannerService::Stub::ListDevices,
                           request,
                           connection_->options().timeout);
}

}  // namespace bitbudget::client
