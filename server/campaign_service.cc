#include "server/campaign_service.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "db/job_store.h"
#include "server/bundled_rules.h"
#include "server/campaign_plan.h"
#include "server/job_rules.h"
#include "server/job_service.h"
#include "server/job_watch.h"
#include "server/page_size.h"
#include "server/request_hash.h"
#include "server/training_rules.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr PageSizes kPageSizes{.unset = 100, .most = 1'000};
constexpr size_t kLongestTitle = 200;
constexpr int kHighestPriority = 1'000;

// Rules that no grid is needed for.
FieldViolations ValidateFrame(const v1::Campaign& campaign) {
  FieldViolations violations;
  CheckText(violations, "campaign.title", campaign.title(), kLongestTitle);
  CheckLabel(violations, "campaign.trainer", campaign.trainer());
  CheckCount(
      violations, "campaign.priority", campaign.priority(), -kHighestPriority, kHighestPriority);
  return violations;
}

// The runs are right; a trunk may have to leave too many checkpoints for them.
absl::Status CheckTrunks(const CampaignPlan& plan) {
  for (const PlannedJob& planned : plan.jobs) {
    const v1::Job& job = planned.job;
    if (job.kind() != v1::TRUNK) continue;
    const std::string trainer = TrainerInForce(job.trainer());
    for (const FieldViolation& violation : ValidateTraining(job.training(), trainer)) {
      return InvalidField("campaign.grids",
                          fmt::format("need a trunk whose {} {} (\"{}\")",
                                      violation.field,
                                      violation.description,
                                      job.label()));
    }
  }
  return absl::OkStatus();
}

std::vector<db::NewJob> ToNewJobs(CampaignPlan plan) {
  std::vector<db::NewJob> jobs;
  jobs.reserve(plan.jobs.size());
  for (PlannedJob& planned : plan.jobs) {
    db::NewJob& job = jobs.emplace_back(ToNewJob(std::move(planned.job)));
    job.earlier_dependencies = std::move(planned.dependencies);
    job.earlier_start_job = planned.start_job;
  }
  return jobs;
}

// What the caller decides.
v1::Campaign WritableFields(v1::Campaign campaign) {
  campaign.clear_name();
  campaign.clear_cost();
  campaign.clear_state_counts();
  campaign.clear_flops_done();
  campaign.clear_ended();
  campaign.clear_create_time();
  campaign.clear_reason();
  return campaign;
}

}  // namespace

absl::StatusOr<v1::Campaign> CampaignService::CreateCampaign(
    const CallContext&, const v1::CreateCampaignRequest& request) {
  FieldViolations violations = Validate(request);
  AddAll(violations, "", ValidateFrame(request.campaign()));
  RETURN_IF_ERROR(ToStatus(std::move(violations)));
  v1::Campaign campaign = WritableFields(request.campaign());
  ASSIGN_OR_RETURN(CampaignPlan plan,
                   PlanCampaign(campaign, [&](const std::vector<v1::Experiment>& runs) {
                     return store_.jobs().FindStored(request.parent(), runs);
                   }));
  RETURN_IF_ERROR(CheckTrunks(plan));
  *campaign.mutable_cost() = plan.cost;
  if (request.validate_only()) {
    RETURN_IF_ERROR(store_.GetStudy(request.parent()).status());
    return campaign;
  }
  ASSIGN_OR_RETURN(
      db::CampaignChange change,
      store_.jobs().CreateCampaign(request.parent(),
                                   request.campaign_id(),
                                   campaign,
                                   ToNewJobs(std::move(plan)),
                                   MakeRequestKey("CreateCampaign", request.parent(), request)));
  board_.Announce(change.changed);
  return std::move(change.campaign);
}

absl::StatusOr<v1::Campaign> CampaignService::GetCampaign(const CallContext&,
                                                          const v1::GetCampaignRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  return LoadCampaign(request.name(), store_.jobs(), board_);
}

absl::StatusOr<v1::ListCampaignsResponse> CampaignService::ListCampaigns(
    const CallContext&, const v1::ListCampaignsRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(db::CampaignPage page,
                   store_.jobs().ListCampaigns(request.parent(),
                                               {.size = kPageSizes.Effective(request.page_size()),
                                                .token = request.page_token()}));
  v1::ListCampaignsResponse response;
  for (v1::Campaign& campaign : page.campaigns) {
    *response.add_campaigns() = std::move(campaign);
  }
  response.set_next_page_token(std::move(page.next_page_token));
  return response;
}

absl::StatusOr<v1::Campaign> CampaignService::CancelCampaign(
    const CallContext&, const v1::CancelCampaignRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(db::CampaignChange change,
                   store_.jobs().CancelCampaign(request.name(), request.reason()));
  board_.Announce(change.changed);
  return std::move(change.campaign);
}

absl::StatusOr<v1::Campaign> CampaignService::RetryCampaign(
    const CallContext&, const v1::RetryCampaignRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(db::CampaignChange change,
                   store_.jobs().RetryCampaign(
                       request.name(), MakeRequestKey("RetryCampaign", request.name(), request)));
  board_.Announce(change.changed);
  return std::move(change.campaign);
}

absl::StatusOr<std::unique_ptr<WatchSource<v1::WatchCampaignResponse>>>
CampaignService::WatchCampaign(const v1::WatchCampaignRequest& request,
                               std::function<void()> wake) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  return WatchCampaignOf(request, store_.jobs(), board_, std::move(wake));
}

}  // namespace bitbudget::server
