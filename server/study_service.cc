#include "server/study_service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/util/field_mask_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "server/page_size.h"
#include "server/request_hash.h"
#include "server/resource_names.h"
#include "server/validate.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

using google::protobuf::util::FieldMaskUtil;
using google::protobuf::util::MessageDifferencer;

constexpr PageSizes kPageSizes{.unset = 100, .most = 1'000};
// An update that loses a race against others is tried again on what they left.
constexpr int kMostUpdateAttempts = 10;

v1::Study WritableFields(v1::Study study) {
  study.clear_name();
  study.clear_revision();
  study.clear_etag();
  study.clear_create_time();
  study.clear_update_time();
  study.clear_experiment_count();
  study.clear_excluded_experiment_count();
  study.clear_fit_status();
  return study;
}

bool ChangesTheLaw(const v1::Study& before, const v1::Study& after) {
  return before.law() != after.law() ||
         before.parameter_convention() != after.parameter_convention() ||
         !MessageDifferencer::Equals(before.fit_options(), after.fit_options());
}

v1::Study Merge(const v1::Study& current, const v1::UpdateStudyRequest& request) {
  v1::Study merged = current;
  FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(request.study(), request.update_mask(), options, &merged);
  return merged;
}

v1::FitStatus::State StateOf(const v1::Study& study, const StudyState& state) {
  if (study.experiment_count() == 0 && study.excluded_experiment_count() == 0) {
    return v1::FitStatus::NO_DATA;
  }
  if (state.covered_revision() >= study.revision()) return v1::FitStatus::CURRENT;
  const bool has_failed = state.failed_revision >= study.revision() && !state.failure.ok();
  return has_failed ? v1::FitStatus::FAILED : v1::FitStatus::PENDING;
}

}  // namespace

void SetFitStatus(const SnapshotRegistry& registry, v1::Study& study) {
  v1::FitStatus* status = study.mutable_fit_status();
  // A study that was deleted between the two reads has no state any more.
  const StudyState state = registry.Find(study.name()).value_or(StudyState());
  status->set_state(StateOf(study, state));
  if (state.snapshot) status->set_latest_fit(state.snapshot->fit.name());
  status->set_covered_revision(state.covered_revision());
  if (status->state() == v1::FitStatus::FAILED) {
    status->set_error(std::string(state.failure.message()));
  }
}

absl::StatusOr<v1::Study> StudyService::CreateStudy(const CallContext&,
                                                    const v1::CreateStudyRequest& request) {
  v1::CreateStudyRequest canonical = request;
  if (request.has_study()) *canonical.mutable_study() = WritableFields(request.study());
  RETURN_IF_ERROR(ToStatus(Validate(canonical)));

  // A repeat returns the study as first created, be it gone since: what is known
  // of studies follows the database, not the reply.
  const std::shared_lock lock(parts_.deletion_mutex);
  ASSIGN_OR_RETURN(
      v1::Study created,
      parts_.store.CreateStudy(
          request.study_id(), canonical.study(), MakeRequestKey("CreateStudy", "", canonical)));
  if (const auto stored = parts_.store.GetStudy(created.name()); stored.ok()) {
    parts_.registry.AddStudy(stored->name(), stored->revision());
  }
  SetFitStatus(parts_.registry, created);
  return created;
}

absl::StatusOr<v1::Study> StudyService::GetStudy(const CallContext&,
                                                 const v1::GetStudyRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(v1::Study study, parts_.store.GetStudy(request.name()));
  SetFitStatus(parts_.registry, study);
  return study;
}

absl::StatusOr<v1::ListStudiesResponse> StudyService::ListStudies(
    const CallContext&, const v1::ListStudiesRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(db::StudyPage page,
                   parts_.store.ListStudies({.size = kPageSizes.Effective(request.page_size()),
                                             .token = request.page_token()}));
  v1::ListStudiesResponse response;
  for (v1::Study& study : page.studies) {
    SetFitStatus(parts_.registry, study);
    *response.add_studies() = std::move(study);
  }
  response.set_next_page_token(std::move(page.next_page_token));
  return response;
}

absl::StatusOr<v1::Study> StudyService::UpdateStudy(const CallContext& call,
                                                    const v1::UpdateStudyRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  const std::string& name = request.study().name();
  for (int attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(const v1::Study current, parts_.store.GetStudy(name));
    ASSIGN_OR_RETURN(const db::Store::StudyUpdate update, MakeUpdate(request, current));
    if (current.parameter_convention() != v1::TOTAL &&
        update.study.parameter_convention() == v1::TOTAL) {
      RETURN_IF_ERROR(CheckEmbeddingsKnown(call, name));
    }
    absl::StatusOr<v1::Study> updated = parts_.store.UpdateStudy(update);
    const bool lost_a_race = absl::IsAborted(updated.status()) && request.study().etag().empty();
    if (lost_a_race && attempt < kMostUpdateAttempts) continue;
    if (!updated.ok()) return updated.status();
    parts_.registry.AdvanceRevision(name, updated->revision());
    if (update.advance_revision) refits_.Schedule(name);
    SetFitStatus(parts_.registry, *updated);
    return updated;
  }
}

absl::StatusOr<db::Store::StudyUpdate> StudyService::MakeUpdate(
    const v1::UpdateStudyRequest& request, const v1::Study& current) {
  const v1::Study merged = Merge(current, request);
  FieldViolations violations;
  AddAll(violations, "study.", ValidateStudy(merged));
  RETURN_IF_ERROR(ToStatus(std::move(violations)));
  const std::string& wanted_etag = request.study().etag();
  return db::Store::StudyUpdate{
      .study = merged,
      .expected_etag = wanted_etag.empty() ? current.etag() : wanted_etag,
      .advance_revision = ChangesTheLaw(current, merged),
      .change_description = fmt::format("{}", fmt::join(request.update_mask().paths(), ", ")),
      .request = MakeRequestKey("UpdateStudy", current.name(), request)};
}

absl::StatusOr<v1::DeleteStudyResponse> StudyService::DeleteStudy(
    const CallContext&, const v1::DeleteStudyRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  const std::unique_lock lock(parts_.deletion_mutex);
  RETURN_IF_ERROR(parts_.store.DeleteStudy(
      request.name(), request.force(), MakeRequestKey("DeleteStudy", request.name(), request)));
  // A repeat changes nothing, and the name may be another study's by now.
  if (parts_.store.GetStudy(request.name()).ok()) return v1::DeleteStudyResponse();
  parts_.registry.RemoveStudy(request.name());
  refits_.Forget(request.name());
  parts_.rows.Forget(request.name());
  return v1::DeleteStudyResponse();
}

absl::StatusOr<v1::BackupResponse> StudyService::Backup(const CallContext&,
                                                        const v1::BackupRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  v1::BackupResponse response;
  ASSIGN_OR_RETURN(const int64_t size_bytes, parts_.store.Backup(request.path()));
  response.set_path(request.path());
  response.set_size_bytes(size_bytes);
  return response;
}

absl::Status StudyService::CheckEmbeddingsKnown(const CallContext& call, const std::string& study) {
  v1::ExperimentFilter in_use;
  in_use.set_exclusion(v1::ExperimentFilter::INCLUDED);
  std::string unknown;
  RETURN_IF_ERROR(parts_.store
                      .ExportExperiments(
                          study,
                          in_use,
                          [&unknown](const v1::Experiment& experiment) {
                            if (unknown.empty() && experiment.embedding_parameters() == 0) {
                              unknown = experiment.name();
                            }
                          },
                          call.cancelled)
                      .status());
  if (unknown.empty()) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      fmt::format("{} has no embedding_parameters, so that its law cannot count all "
                  "parameters; exclude such runs and import them again with that field",
                  unknown),
      {.reason = "EMBEDDINGS_UNKNOWN", .resource_type = "experiment", .resource_name = unknown});
}

}  // namespace bitbudget::server
