#include "server/fit_service.h"

#include <fmt/format.h>

#include <utility>

#include "server/compute_fit.h"
#include "server/convert.h"
#include "server/fit_watch.h"
#include "server/page_size.h"
#include "server/request_hash.h"
#include "server/resource_names.h"
#include "server/validate.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr PageSizes kPageSizes{.unset = 20, .most = 200};

absl::Status OtherRowsThanFitted(const v1::Fit& fit) {
  return MakeError(absl::StatusCode::kDataLoss,
                   fmt::format("the rows of revision {} are not those that \"{}\" was computed "
                               "from; the database is damaged, restore it from a backup",
                               fit.inputs().revision(),
                               fit.name()),
                   {.reason = "DATABASE_DAMAGED"});
}

std::string StudyOf(const std::string& fit_name) {
  return fit_name.substr(0, fit_name.find("/fits/"));
}

// Says why a study has no current fit.
absl::Status NoLatestFit(const std::string& name, const StudyState& state) {
  std::string why = "the first fit is under way; ask again soon";
  if (state.revision == 0) {
    why = "the study has no experiments; import measured runs";
  } else if (state.has_failed()) {
    why = fmt::format("revision {} could not be fitted: {}",
                      state.failed_revision,
                      std::string(state.failure.message()));
  }
  return MakeError(absl::StatusCode::kNotFound,
                   fmt::format("{} has no fit: {}", StudyOf(name), why),
                   {.reason = "FIT_NOT_FOUND", .resource_type = "fit", .resource_name = name});
}

// A poll that sees the end of the call may race with the result.
absl::Status CheckStillWanted(const CallContext& call) {
  return call.cancelled() ? absl::CancelledError("the caller is gone; nothing was stored")
                          : absl::OkStatus();
}

std::vector<fitter::Start> WarmStarts(const v1::FitInputs& inputs) {
  std::vector<fitter::Start> starts;
  for (const v1::FitInputs::Start& start : inputs.warm_starts()) {
    starts.push_back({start.variant(), {start.values().begin(), start.values().end()}});
  }
  return starts;
}

}  // namespace

absl::StatusOr<v1::Fit> FitService::RunFit(const CallContext& call,
                                           const v1::RunFitRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(const StudyState state, parts_.registry.Find(request.parent()));
  ASSIGN_OR_RETURN(const v1::Study study, parts_.store.GetStudy(request.parent()));
  FieldViolations violations;
  AddAll(violations, "options.", ValidateFitOptions(request.options(), study.law()));
  RETURN_IF_ERROR(ToStatus(std::move(violations)));
  ASSIGN_OR_RETURN(const Admission::Ticket ticket, computing_.Enter());

  const bool is_standard =
      !request.has_options() || AreSameOptions(request.options(), study.fit_options(), study.law());
  ASSIGN_OR_RETURN(const auto rows,
                   parts_.rows.Rows({.study = study.name(),
                                     .generation = state.generation,
                                     .convention = study.parameter_convention(),
                                     .revision = study.revision()}));
  FitTask task{.law = study.law(),
               .options = is_standard ? study.fit_options() : request.options(),
               .convention = study.parameter_convention(),
               .rows = rows.get()};
  if (request.has_bootstrap()) task.bootstrap = request.bootstrap();
  ASSIGN_OR_RETURN(ComputedFit computed, ComputeFit(task, call.cancelled));
  RETURN_IF_ERROR(CheckStillWanted(call));
  computed.fit.set_standard_options(is_standard);
  return StoreAndPublish(parts_,
                         study.name(),
                         state.generation,
                         computed.fit,
                         MakeRequestKey("RunFit", request.parent(), request));
}

absl::StatusOr<v1::Fit> FitService::GetFit(const CallContext&, const v1::GetFitRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  return ReadFit(request.name());
}

absl::StatusOr<v1::ListFitsResponse> FitService::ListFits(const CallContext&,
                                                          const v1::ListFitsRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(db::FitPage page,
                   parts_.store.ListFits(request.parent(),
                                         {.size = kPageSizes.Effective(request.page_size()),
                                          .token = request.page_token()}));
  v1::ListFitsResponse response;
  for (v1::Fit& fit : page.fits) {
    fit.clear_inputs();
    if (fit.has_bootstrap()) {
      fit.mutable_bootstrap()->clear_draws();
      fit.mutable_bootstrap()->clear_full_precision_draws();
    }
    *response.add_fits() = std::move(fit);
  }
  response.set_next_page_token(std::move(page.next_page_token));
  return response;
}

absl::StatusOr<v1::ReplayFitResponse> FitService::ReplayFit(const CallContext& call,
                                                            const v1::ReplayFitRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(const v1::Fit stored, ReadFit(request.name()));
  ASSIGN_OR_RETURN(const Admission::Ticket ticket, computing_.Enter());
  const v1::FitInputs& inputs = stored.inputs();
  ASSIGN_OR_RETURN(const FittingRows rows, ReadRowsOf(stored));
  FitTask task{.law = inputs.law(),
               .options = inputs.requested_options(),
               .convention = inputs.parameter_convention(),
               .rows = &rows,
               .warm_starts = WarmStarts(inputs)};
  if (inputs.has_bootstrap()) task.bootstrap = inputs.bootstrap();
  ASSIGN_OR_RETURN(ComputedFit computed, ComputeFit(task, call.cancelled));
  computed.fit.set_standard_options(stored.standard_options());

  v1::ReplayFitResponse response;
  for (std::string& path : DifferingFields(stored, computed.fit)) {
    response.add_differing_fields(std::move(path));
  }
  response.set_identical(response.differing_fields().empty());
  *response.mutable_fit() = std::move(computed.fit);
  response.mutable_fit()->set_name(stored.name());
  return response;
}

absl::StatusOr<std::unique_ptr<WatchSource<v1::WatchFitsResponse>>> FitService::WatchFits(
    const v1::WatchFitsRequest& request, std::function<void()> wake) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  return WatchFitsOf(request, parts_, std::move(wake));
}

absl::StatusOr<v1::Fit> FitService::ReadFit(const std::string& name) const {
  absl::StatusOr<v1::Fit> fit = parts_.store.GetFit(name);
  if (!absl::IsNotFound(fit.status()) || ParseFitName(name)->id != kLatestFitId) return fit;
  const absl::StatusOr<StudyState> state = parts_.registry.Find(StudyOf(name));
  return state.ok() ? NoLatestFit(name, *state) : state.status();
}

absl::StatusOr<FittingRows> FitService::ReadRowsOf(const v1::Fit& fit) {
  const v1::FitInputs& inputs = fit.inputs();
  ASSIGN_OR_RETURN(FittingRows rows,
                   ReadRows(parts_.store,
                            {.study = StudyOf(fit.name()),
                             .convention = inputs.parameter_convention(),
                             .revision = inputs.revision()}));
  if (rows.hash != inputs.rows_hash()) return OtherRowsThanFitted(fit);
  return rows;
}

}  // namespace bitbudget::server
