#include "server/experiment_service.h"

#include <fmt/format.h>

#include <utility>

#include "server/metrics.h"
#include "server/page_size.h"
#include "server/request_hash.h"
#include "server/validate.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr PageSizes kPageSizes{.unset = 100, .most = 1'000};
constexpr int kRowsInExportMessage = 256;

template <typename Request>
db::ExclusionChange ToExclusionChange(std::string_view method, const Request& request) {
  return {.study = request.parent(),
          .names = {request.names().begin(), request.names().end()},
          .import_batch = request.import_batch(),
          .reason = request.reason(),
          .request = MakeRequestKey(method, request.parent(), request)};
}

}  // namespace

absl::StatusOr<v1::CreateExperimentResponse> ExperimentService::CreateExperiment(
    const CallContext&, const v1::CreateExperimentRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(const v1::Study study, parts_.store.GetStudy(request.parent()));
  FieldViolations violations;
  AddAll(violations,
         "experiment.",
         ValidateExperiment(request.experiment(), study.parameter_convention()));
  RETURN_IF_ERROR(ToStatus(std::move(violations)));

  v1::CreateExperimentRequest canonical = request;
  Canonicalize(*canonical.mutable_experiment());
  ASSIGN_OR_RETURN(
      db::InsertResult stored,
      Insert({.study = request.parent(),
              .experiments = {canonical.experiment()},
              .request = MakeRequestKey("CreateExperiment", request.parent(), canonical)}));
  v1::CreateExperimentResponse response;
  *response.mutable_experiment() = std::move(stored.experiments.at(0));
  response.set_revision(stored.revision);
  response.set_created(stored.created_count == 1);
  return response;
}

absl::StatusOr<v1::BatchCreateExperimentsResponse> ExperimentService::BatchCreateExperiments(
    const CallContext&, const v1::BatchCreateExperimentsRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(const v1::Study study, parts_.store.GetStudy(request.parent()));
  FieldViolations violations;
  for (int i = 0; i < request.experiments_size(); ++i) {
    FieldViolations of_row =
        ValidateExperiment(request.experiments(i), study.parameter_convention());
    if (of_row.empty()) continue;
    AddAll(violations, fmt::format("experiments[{}].", i), std::move(of_row));
  }
  RETURN_IF_ERROR(ToStatus(std::move(violations)));

  v1::BatchCreateExperimentsRequest canonical = request;
  for (v1::Experiment& experiment : *canonical.mutable_experiments()) Canonicalize(experiment);
  db::InsertBatch batch{
      .study = request.parent(),
      .import_batch = request.import_batch(),
      .request = MakeRequestKey("BatchCreateExperiments", request.parent(), canonical)};
  batch.experiments.assign(std::make_move_iterator(canonical.mutable_experiments()->begin()),
                           std::make_move_iterator(canonical.mutable_experiments()->end()));
  ASSIGN_OR_RETURN(db::InsertResult stored, Insert(batch));
  v1::BatchCreateExperimentsResponse response;
  for (v1::Experiment& experiment : stored.experiments) {
    *response.add_experiments() = std::move(experiment);
  }
  response.set_revision(stored.revision);
  response.set_created_count(stored.created_count);
  response.set_unchanged_count(stored.unchanged_count);
  return response;
}

absl::StatusOr<v1::Experiment> ExperimentService::GetExperiment(
    const CallContext&, const v1::GetExperimentRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  return parts_.store.GetExperiment(request.name());
}

absl::StatusOr<v1::ListExperimentsResponse> ExperimentService::ListExperiments(
    const CallContext&, const v1::ListExperimentsRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(db::ExperimentPage page,
                   parts_.store.ListExperiments(request,
                                                {.size = kPageSizes.Effective(request.page_size()),
                                                 .token = request.page_token()}));
  v1::ListExperimentsResponse response;
  for (v1::Experiment& experiment : page.experiments) {
    *response.add_experiments() = std::move(experiment);
  }
  response.set_next_page_token(std::move(page.next_page_token));
  response.set_revision(page.revision);
  return response;
}

absl::StatusOr<v1::ExcludeExperimentsResponse> ExperimentService::ExcludeExperiments(
    const CallContext&, const v1::ExcludeExperimentsRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(
      const db::ExclusionResult result,
      parts_.store.ExcludeExperiments(ToExclusionChange("ExcludeExperiments", request)));
  TellRevision(request.parent(), result.revision, result.changed_count > 0);
  v1::ExcludeExperimentsResponse response;
  response.set_revision(result.revision);
  response.set_excluded_count(result.changed_count);
  return response;
}

absl::StatusOr<v1::IncludeExperimentsResponse> ExperimentService::IncludeExperiments(
    const CallContext&, const v1::IncludeExperimentsRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(
      const db::ExclusionResult result,
      parts_.store.IncludeExperiments(ToExclusionChange("IncludeExperiments", request)));
  TellRevision(request.parent(), result.revision, result.changed_count > 0);
  v1::IncludeExperimentsResponse response;
  response.set_revision(result.revision);
  response.set_included_count(result.changed_count);
  return response;
}

absl::StatusOr<std::vector<v1::ExportExperimentsResponse>> ExperimentService::ExportExperiments(
    const CallContext& call, const v1::ExportExperimentsRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  std::vector<v1::ExportExperimentsResponse> messages(1);
  const auto collect = [&messages](const v1::Experiment& experiment) {
    if (messages.back().experiments_size() == kRowsInExportMessage) messages.emplace_back();
    *messages.back().add_experiments() = experiment;
  };
  ASSIGN_OR_RETURN(
      const int64_t revision,
      parts_.store.ExportExperiments(request.parent(), request.filter(), collect, call.cancelled));
  for (v1::ExportExperimentsResponse& message : messages) message.set_revision(revision);
  return messages;
}

absl::StatusOr<db::InsertResult> ExperimentService::Insert(const db::InsertBatch& batch) {
  ASSIGN_OR_RETURN(db::InsertResult result, parts_.store.InsertExperiments(batch));
  const bool has_changed = result.created_count > 0 && !batch.validate_only;
  if (has_changed) Metrics::Process().CountIngestedRows(result.created_count);
  TellRevision(batch.study, result.revision, has_changed);
  return result;
}

void ExperimentService::TellRevision(const std::string& study, int64_t revision, bool has_changed) {
  if (!has_changed) return;
  parts_.registry.AdvanceRevision(study, revision);
  refits_.Schedule(study);
}

}  // namespace bitbudget::server
