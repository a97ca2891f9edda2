// The rules of the contract about requests of JobService and CampaignService, as
// validate.h has them for the others. Grids are checked where they are expanded
// (campaign_plan.h). Pure, thread-safe.

#ifndef BITBUDGET_SERVER_JOB_RULES_H_
#define BITBUDGET_SERVER_JOB_RULES_H_

#include <string_view>

#include "absl/time/time.h"
#include "bitbudget/v1/campaign.pb.h"
#include "bitbudget/v1/job.pb.h"
#include "server/field_rules.h"

namespace bitbudget::server {

// In place of a study: all of them.
inline constexpr std::string_view kAllStudies = "studies/-";

FieldViolations Validate(const v1::CreateJobRequest& request);
FieldViolations Validate(const v1::GetJobRequest& request);
FieldViolations Validate(const v1::ListJobsRequest& request);
FieldViolations Validate(const v1::CancelJobRequest& request);
FieldViolations Validate(const v1::RetryJobRequest& request);
FieldViolations Validate(const v1::WatchJobsRequest& request);
FieldViolations Validate(const v1::LeaseJobRequest& request);
FieldViolations Validate(const v1::ReportProgressRequest& request);
// The experiment is checked against its job and study.
FieldViolations Validate(const v1::CompleteJobRequest& request);
FieldViolations Validate(const v1::FailJobRequest& request);
FieldViolations Validate(const v1::ReleaseJobRequest& request);
FieldViolations Validate(const v1::DrainWorkerRequest& request);

// The result against the training that it is the result of.
FieldViolations ValidateResult(const v1::Experiment& experiment, const v1::Job& job);

FieldViolations Validate(const v1::CreateCampaignRequest& request);
FieldViolations Validate(const v1::GetCampaignRequest& request);
FieldViolations Validate(const v1::ListCampaignsRequest& request);
FieldViolations Validate(const v1::CancelCampaignRequest& request);
FieldViolations Validate(const v1::RetryCampaignRequest& request);
FieldViolations Validate(const v1::WatchCampaignRequest& request);

// A duration of a request that Validate has passed.
absl::Duration ToDuration(const google::protobuf::Duration& duration);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_JOB_RULES_H_
