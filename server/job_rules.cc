#include "server/job_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "server/bundled_rules.h"
#include "server/resource_names.h"
#include "server/training_rules.h"

namespace bitbudget::server {
namespace {

constexpr int kMostDependencies = 16;
constexpr int kHighestPriority = 1'000;
constexpr int kMostFailures = 100;
constexpr size_t kLongestLabel = 200;
constexpr size_t kLongestReason = 1'000;

void Add(FieldViolations& violations, std::string_view field, std::string description) {
  violations.push_back({std::string(field), std::move(description)});
}

void CheckFilter(FieldViolations& violations,
                 std::string_view parent,
                 const v1::JobFilter& filter) {
  for (int i = 0; i < filter.states_size(); ++i) {
    if (filter.states(i) != v1::JOB_STATE_UNSPECIFIED && v1::JobState_IsValid(filter.states(i))) {
      continue;
    }
    Add(violations,
        fmt::format("filter.states[{}]", i),
        fmt::format("is {}, which is no state", filter.states(i)));
  }
  if (!filter.campaign().empty()) {
    CheckCampaignName(violations, "filter.campaign", filter.campaign());
    const auto name = ParseCampaignName(filter.campaign());
    if (name && parent != kAllStudies && name->study != parent) {
      Add(violations,
          "filter.campaign",
          fmt::format("is \"{}\", which is not of {}", filter.campaign(), parent));
    }
  }
  CheckLabel(violations, "filter.worker", filter.worker());
}

void CheckParentOrAll(FieldViolations& violations, std::string_view parent) {
  if (parent != kAllStudies) CheckStudyName(violations, "parent", parent);
}

void CheckDependencies(FieldViolations& violations, const v1::CreateJobRequest& request) {
  const v1::Job& job = request.job();
  CheckCount(violations, "job.dependencies", job.dependencies_size(), 0, kMostDependencies);
  std::set<std::string> seen;
  for (int i = 0; i < std::min(job.dependencies_size(), kMostDependencies); ++i) {
    const std::string& dependency = job.dependencies(i);
    const std::string path = fmt::format("job.dependencies[{}]", i);
    const auto name = ParseJobName(dependency);
    if (!name || name->study != request.parent()) {
      Add(violations,
          path,
          fmt::format("is \"{}\"; must be \"{}/jobs/{{job}}\"", dependency, request.parent()));
    } else if (!seen.insert(dependency).second) {
      Add(violations, path, fmt::format("is \"{}\" as one before it", dependency));
    }
  }
  if (!job.start_job().empty() && !seen.contains(job.start_job())) {
    Add(violations,
        "job.start_job",
        fmt::format("is \"{}\"; must be one of dependencies", job.start_job()));
  }
  if (job.start_job().empty() && job.start_tokens() != 0) {
    Add(violations, "job.start_tokens", "is set without start_job");
  }
}

void CheckJob(FieldViolations& violations, const v1::Job& job) {
  CheckText(violations, "job.label", job.label(), kLongestLabel);
  CheckLabel(violations, "job.trainer", job.trainer());
  if (!v1::JobKind_IsValid(job.kind())) {
    Add(violations, "job.kind", fmt::format("is {}, which is no kind", job.kind()));
  }
  CheckCount(violations, "job.priority", job.priority(), -kHighestPriority, kHighestPriority);
  CheckCount(violations, "job.max_failures", job.max_failures(), 0, kMostFailures);
  if (!job.has_training()) return Add(violations, "job.training", "is required");
  AddAll(
      violations, "job.training.", ValidateTraining(job.training(), TrainerInForce(job.trainer())));
  const bool trunk = job.kind() == v1::TRUNK;
  if (trunk && job.training().milestone_tokens().empty()) {
    Add(violations, "job.training.milestone_tokens", "is empty; a trunk leaves checkpoints");
  }
}

}  // namespace

FieldViolations Validate(const v1::CreateJobRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  CheckRequestId(violations, request.request_id());
  if (!request.has_job()) {
    Add(violations, "job", "is required");
    return violations;
  }
  CheckJob(violations, request.job());
  CheckDependencies(violations, request);
  return violations;
}

FieldViolations Validate(const v1::GetJobRequest& request) {
  FieldViolations violations;
  CheckJobName(violations, "name", request.name());
  return violations;
}

FieldViolations Validate(const v1::ListJobsRequest& request) {
  FieldViolations violations;
  CheckParentOrAll(violations, request.parent());
  CheckFilter(violations, request.parent(), request.filter());
  CheckPageSize(violations, request.page_size());
  return violations;
}

FieldViolations Validate(const v1::CancelJobRequest& request) {
  FieldViolations violations;
  CheckJobName(violations, "name", request.name());
  CheckText(violations, "reason", request.reason(), kLongestReason);
  return violations;
}

FieldViolations Validate(const v1::RetryJobRequest& request) {
  FieldViolations violations;
  CheckJobName(violations, "name", request.name());
  CheckRequestId(violations, request.request_id());
  return violations;
}

FieldViolations Validate(const v1::WatchJobsRequest& request) {
  FieldViolations violations;
  CheckParentOrAll(violations, request.parent());
  CheckFilter(violations, request.parent(), request.filter());
  return violations;
}

FieldViolations Validate(const v1::CreateCampaignRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  if (!request.campaign_id().empty()) CheckId(violations, "campaign_id", request.campaign_id());
  if (!request.has_campaign()) Add(violations, "campaign", "is required");
  CheckRequestId(violations, request.request_id());
  return violations;
}

FieldViolations Validate(const v1::GetCampaignRequest& request) {
  FieldViolations violations;
  CheckCampaignName(violations, "name", request.name());
  return violations;
}

FieldViolations Validate(const v1::ListCampaignsRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  CheckPageSize(violations, request.page_size());
  return violations;
}

FieldViolations Validate(const v1::CancelCampaignRequest& request) {
  FieldViolations violations;
  CheckCampaignName(violations, "name", request.name());
  CheckText(violations, "reason", request.reason(), kLongestReason);
  return violations;
}

FieldViolations Validate(const v1::RetryCampaignRequest& request) {
  FieldViolations violations;
  CheckCampaignName(violations, "name", request.name());
  CheckRequestId(violations, request.request_id());
  return violations;
}

FieldViolations Validate(const v1::WatchCampaignRequest& request) {
  FieldViolations violations;
  CheckCampaignName(violations, "name", request.name());
  return violations;
}

}  // namespace bitbudget::server
