#include "server/job_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/bundled_rules.h"
#include "server/job_rules.h"
#include "server/job_watch.h"
#include "server/page_size.h"
#include "server/request_hash.h"
#include "server/resource_names.h"
#include "server/training_rules.h"
#include "server/training_shape.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr PageSizes kPageSizes{.unset = 100, .most = 1'000};
constexpr int kDefaultMaxFailures = 3;

}  // namespace

db::NewJob ToNewJob(v1::Job job) {
  job.set_trainer(TrainerInForce(job.trainer()));
  if (job.kind() == v1::JOB_KIND_UNSPECIFIED) job.set_kind(v1::MEASUREMENT);
  if (job.max_failures() == 0) job.set_max_failures(kDefaultMaxFailures);
  if (job.label().empty()) job.set_label(TrainingLabel(job.training(), job.kind()));
  job.set_estimated_flops(EstimatedFlops(job.training(), job.start_tokens()));
  job.set_training_hash(TrainingHash(job));
  const int64_t memory_bytes = EstimatedMemoryBytes(job.training());
  return {.job = std::move(job), .memory_bytes = memory_bytes};
}

JobService::~JobService() { Stop(); }

absl::StatusOr<v1::Job> JobService::CreateJob(const CallContext&,
                                              const v1::CreateJobRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  RETURN_IF_ERROR(CheckStart(request.job()));
  ASSIGN_OR_RETURN(v1::Job created,
                   store_.CreateJob(request.parent(),
                                    ToNewJob(request.job()),
                                    MakeRequestKey("CreateJob", request.parent(), request)));
  board_.Announce({created.name()});
  return created;
}

absl::Status JobService::CheckStart(const v1::Job& job) {
  if (job.start_job().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const v1::Job trunk, store_.GetJob(job.start_job()));
  const auto& milestones = trunk.training().milestone_tokens();
  if (std::count(milestones.begin(), milestones.end(), job.start_tokens()) == 0) {
    return InvalidField(
        "job.start_tokens",
        fmt::format("is {}, which is no milestone of {}", job.start_tokens(), job.start_job()));
  }
  if (job.start_tokens() > TotalTokens(job.training())) {
    return InvalidField(
        "job.start_tokens",
        fmt::format(
            "is {}; the training has {} tokens", job.start_tokens(), TotalTokens(job.training())));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Job> JobService::GetJob(const CallContext&, const v1::GetJobRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(v1::Job job, store_.GetJob(request.name()));
  if (job.reason().empty()) job.set_reason(WhyItWaits(job));
  return WithLease(std::move(job));
}

std::string JobService::WhyItWaits(const v1::Job& job) const {
  if (job.state() != v1::QUEUED && job.state() != v1::LOST) return {};
  const v1::TrainingSpec training = WithDefaults(job.training());
  return WhyNobodyTakes(board_.AvailableWorkers(),
                        {.study = ParseJobName(job.name())->study,
                         .trainer = job.trainer(),
                         .data = training.data(),
                         .data_sha256 = training.data_sha256(),
                         .memory_bytes = EstimatedMemoryBytes(training),
                         .flops = job.estimated_flops()});
}

absl::StatusOr<v1::ListJobsResponse> JobService::ListJobs(const CallContext&,
                                                          const v1::ListJobsRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  const std::string study = request.parent() == kAllStudies ? std::string() : request.parent();
  ASSIGN_OR_RETURN(db::JobPage page,
                   store_.ListJobs(study,
                                   request.filter(),
                                   {.size = kPageSizes.Effective(request.page_size()),
                                    .token = request.page_token()}));
  v1::ListJobsResponse response;
  for (v1::Job& job : page.jobs) *response.add_jobs() = WithLease(std::move(job));
  response.set_next_page_token(std::move(page.next_page_token));
  return response;
}

absl::StatusOr<v1::Job> JobService::CancelJob(const CallContext&,
                                              const v1::CancelJobRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(db::JobChange change, store_.CancelJob(request.name(), request.reason()));
  board_.Announce(change.changed);
  return std::move(change.job);
}

absl::StatusOr<v1::Job> JobService::RetryJob(const CallContext&,
                                             const v1::RetryJobRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(
      db::JobChange change,
      store_.RetryJob(request.name(), MakeRequestKey("RetryJob", request.name(), request)));
  board_.Announce(change.changed);
  return std::move(change.job);
}

absl::StatusOr<std::unique_ptr<WatchSource<v1::WatchJobsResponse>>> JobService::WatchJobs(
    const v1::WatchJobsRequest& request, std::function<void()> wake) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  return WatchJobsOf(request, store_, board_, std::move(wake));
}

v1::Job JobService::WithLease(v1::Job job) const {
  board_.SetLeaseRemaining(job);
  return job;
}

}  // namespace bitbudget::server
