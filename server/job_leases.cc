// The calls of JobService that workers make.

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "db/job_match.h"
#include "server/job_rules.h"
#include "server/job_service.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/resource_names.h"
#include "server/validate.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr absl::Duration kDefaultLease = absl::Seconds(60);
// How long a job that failed on a worker waits for another one.
constexpr absl::Duration kWaitForAnother = absl::Minutes(5);
// How soon a lease that has run out is noticed.
constexpr std::chrono::milliseconds kPoll(100);

db::LeaseQuery ToQuery(const v1::LeaseJobRequest& request) {
  db::LeaseQuery query{.study = request.parent() == kAllStudies ? std::string() : request.parent(),
                       .worker = request.worker(),
                       .capabilities = request.capabilities(),
                       .period = request.has_lease() ? ToDuration(request.lease()) : kDefaultLease,
                       .request_id = request.request_id()};
  const double speed = request.capabilities().flops_per_second();
  if (request.has_remaining_wall_time() && speed > 0) {
    query.max_flops = speed * absl::ToDoubleSeconds(ToDuration(request.remaining_wall_time()));
  }
  return query;
}

template <typename Request>
db::Attempt AttemptOf(const Request& request) {
  return {.job = request.name(), .attempt = request.attempt()};
}

void LogEnd(std::string_view what, const v1::Job& job, const db::Attempt& attempt) {
  Log(LogLevel::kInfo,
      what,
      {{"job", job.name()},
       {"attempt", std::to_string(attempt.attempt)},
       {"state", v1::JobState_Name(job.state())}});
}

}  // namespace

absl::Status JobService::Start() {
  ASSIGN_OR_RETURN(const std::vector<db::OpenLease> leases, store_.ListOpenLeases(""));
  for (const db::OpenLease& lease : leases) board_.leases.Renew(lease);
  thread_ = std::thread([this] { WatchLeases(); });
  return absl::OkStatus();
}

void JobService::Stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    has_news_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void JobService::WatchLeases() {
  std::unique_lock lock(mutex_);
  while (!has_news_.wait_for(lock, kPoll, [this] { return is_stopped_; })) {
    lock.unlock();
    ExpireLeases();
    lock.lock();
  }
}

void JobService::ExpireLeases() {
  for (const db::OpenLease& lease : board_.leases.TakeExpired()) {
    const absl::StatusOr<std::optional<v1::Job>> lost =
        store_.ExpireLease({.job = lease.job, .attempt = lease.attempt});
    if (lost.ok() && *lost) {
      Metrics::Process().CountLostLease();
      Log(LogLevel::kWarning,
          "lease ran out",
          {{"job", lease.job},
           {"attempt", std::to_string(lease.attempt)},
           {"worker", (*lost)->worker()}});
      board_.Announce({lease.job});
    } else if (!lost.ok() && lost.status().code() != absl::StatusCode::kNotFound) {
      // A full disk, say: it runs out once more, a period later.
      board_.leases.Renew(lease);
    }
  }
}

void JobService::LeaseJob(const CallContext& call,
                          const v1::LeaseJobRequest& request,
                          LeaseDesk::Done done) {
  if (const absl::Status valid = ToStatus(Validate(request)); !valid.ok()) {
    return done(valid);
  }
  const absl::Duration wait =
      request.has_wait() ? ToDuration(request.wait()) : absl::ZeroDuration();
  db::LeaseQuery query = ToQuery(request);
  board_.workers.Ask(query);
  query.own_failures_after = absl::Now() - kWaitForAnother;
  query.another_can_run = [this, worker = query.worker](const db::JobNeeds& needs) {
    return std::ranges::any_of(board_.AvailableWorkers(), [&](const db::LeaseQuery& other) {
      return other.worker != worker && db::LackFor(other, needs) == db::Lack::kNothing;
    });
  };
  const auto answer = [this, call, worker = query.worker, done = std::move(done)](
                          absl::StatusOr<v1::LeaseJobResponse> response) {
    if (call.cancelled()) board_.workers.Leave(worker);
    done(std::move(response));
  };
  board_.desk.Wait(
      call,
      wait,
      [this, call, request, query = std::move(query)] { return TakeJob(call, request, query); },
      answer);
}

absl::StatusOr<std::optional<v1::LeaseJobResponse>> JobService::TakeJob(
    const CallContext& call, const v1::LeaseJobRequest& request, const db::LeaseQuery& query) {
  v1::LeaseJobResponse response;
  if (board_.drains.Contains(request.worker())) {
    response.set_drain(true);
    return response;
  }
  // Most that wait find nothing, and should not hold up those who write.
  ASSIGN_OR_RETURN(const bool has_job, store_.HasJobFor(query));
  if (!has_job) return std::nullopt;
  ASSIGN_OR_RETURN(std::optional<db::LeasedJob> leased, store_.Lease(query));
  if (!leased) return std::nullopt;
  const db::Attempt attempt{.job = leased->job.name(), .attempt = leased->job.attempt()};
  board_.leases.Renew({attempt.job, attempt.attempt, leased->period});
  board_.feed.Publish({attempt.job});
  if (call.cancelled()) {
    ASSIGN_OR_RETURN(const db::AttemptEnd end, store_.ReleaseJob(attempt, {}));
    board_.Announce(end.changed);
    return absl::CancelledError("the caller is gone");
  }
  SetDuration(leased->period, response.mutable_lease());
  if (leased->start_checkpoint) {
    *response.mutable_start_checkpoint() = *std::move(leased->start_checkpoint);
  }
  *response.mutable_job() = WithLease(std::move(leased->job));
  return response;
}

absl::StatusOr<v1::ReportProgressResponse> JobService::ReportProgress(
    const CallContext&, const v1::ReportProgressRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  const db::Attempt attempt = AttemptOf(request);
  ASSIGN_OR_RETURN(
      const db::ProgressResult result,
      store_.ReportProgress(
          {.attempt = attempt,
           .points = {request.points().begin(), request.points().end()},
           .checkpoints = {request.checkpoints().begin(), request.checkpoints().end()}}));
  v1::ReportProgressResponse response;
  SetDuration(result.period, response.mutable_lease());
  if (result.stop) {
    response.set_directive(v1::STOP);
    return response;
  }
  board_.leases.Renew({attempt.job, attempt.attempt, result.period});
  board_.workers.Hear(result.worker);
  if (result.changed) board_.feed.Publish({attempt.job});
  response.set_directive(board_.drains.Contains(result.worker) ? v1::DRAIN : v1::CONTINUE);
  return response;
}

absl::Status JobService::AddExperiment(const v1::CompleteJobRequest& request,
                                       db::Completion& completion) {
  ASSIGN_OR_RETURN(const v1::Job job, store_.GetJob(request.name()));
  if (job.kind() == v1::TRUNK) {
    if (!request.has_experiment()) return absl::OkStatus();
    return InvalidField("experiment", "is set; a TRUNK has none");
  }
  if (!request.has_experiment()) {
    return InvalidField("experiment", "is required: the job is a MEASUREMENT");
  }
  ASSIGN_OR_RETURN(const v1::Study study,
                   parts_.store.GetStudy(ParseJobName(request.name())->study));
  v1::Experiment experiment = request.experiment();
  experiment.clear_provenance();
  FieldViolations violations;
  AddAll(violations, "experiment.", ValidateExperiment(experiment, study.parameter_convention()));
  AddAll(violations, "experiment.", ValidateResult(experiment, job));
  RETURN_IF_ERROR(ToStatus(std::move(violations)));
  Canonicalize(experiment);
  completion.experiment = std::move(experiment);
  return absl::OkStatus();
}

absl::StatusOr<v1::CompleteJobResponse> JobService::CompleteJob(
    const CallContext&, const v1::CompleteJobRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  db::Completion completion{
      .attempt = AttemptOf(request),
      .statistics = request.statistics(),
      .checkpoints = {request.checkpoints().begin(), request.checkpoints().end()},
      .points = {request.points().begin(), request.points().end()}};
  RETURN_IF_ERROR(AddExperiment(request, completion));
  ASSIGN_OR_RETURN(db::CompletionResult result, store_.CompleteJob(completion));
  board_.leases.End(completion.attempt);
  if (result.revision_advanced) {
    const std::string study = ParseJobName(request.name())->study;
    parts_.registry.AdvanceRevision(study, result.revision);
    refits_.Schedule(study);
  }
  board_.Announce(result.changed);
  LogEnd("job completed", result.job, completion.attempt);
  v1::CompleteJobResponse response;
  if (result.experiment) *response.mutable_experiment() = *std::move(result.experiment);
  response.set_job_unchanged(result.job_unchanged);
  response.set_revision(result.revision);
  *response.mutable_job() = WithLease(std::move(result.job));
  return response;
}

absl::StatusOr<v1::FailJobResponse> JobService::FailJob(const CallContext&,
                                                        const v1::FailJobRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  const db::Attempt attempt = AttemptOf(request);
  ASSIGN_OR_RETURN(db::AttemptEnd end, store_.FailJob(attempt, request.failure()));
  board_.leases.End(attempt);
  board_.Announce(end.changed);
  LogEnd("job failed", end.job, attempt);
  v1::FailJobResponse response;
  response.set_job_unchanged(end.job_unchanged);
  *response.mutable_job() = WithLease(std::move(end.job));
  return response;
}

absl::StatusOr<v1::ReleaseJobResponse> JobService::ReleaseJob(
    const CallContext&, const v1::ReleaseJobRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  const db::Attempt attempt = AttemptOf(request);
  ASSIGN_OR_RETURN(
      db::AttemptEnd end,
      store_.ReleaseJob(attempt, {request.checkpoints().begin(), request.checkpoints().end()}));
  board_.leases.End(attempt);
  if (!end.job_unchanged) board_.workers.Leave(end.job.worker());
  board_.Announce(end.changed);
  LogEnd("job released", end.job, attempt);
  v1::ReleaseJobResponse response;
  response.set_job_unchanged(end.job_unchanged);
  *response.mutable_job() = WithLease(std::move(end.job));
  return response;
}

absl::StatusOr<v1::DrainWorkerResponse> JobService::DrainWorker(
    const CallContext&, const v1::DrainWorkerRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  board_.drains.Set(request.worker(), !request.lift());
  board_.desk.Notify();
  ASSIGN_OR_RETURN(const std::vector<db::OpenLease> leases,
                   store_.ListOpenLeases(request.worker()));
  v1::DrainWorkerResponse response;
  for (const db::OpenLease& lease : leases) response.add_jobs(lease.job);
  return response;
}

}  // namespace bitbudget::server
