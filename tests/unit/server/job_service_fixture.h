// JobService and CampaignService as plain functions on a clock that stands still,
// with short ways to call them.

#ifndef BITBUDGET_TESTS_UNIT_SERVER_JOB_SERVICE_FIXTURE_H_
#define BITBUDGET_TESTS_UNIT_SERVER_JOB_SERVICE_FIXTURE_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "server/campaign_service.h"
#include "server/job_service.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server::testing {

// Moves when told to.
class StandingClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
  absl::Duration Steady() const override { return absl::Milliseconds(elapsed_ms_.load()); }
  void Advance(absl::Duration duration) { elapsed_ms_ += absl::ToInt64Milliseconds(duration); }

 private:
  std::atomic<int64_t> elapsed_ms_ = 0;
};

// The services, one life of the server.
struct Jobs {
  Jobs(Core& core, const Clock* clock, int waiter_limit)
      : board(pool, waiter_limit, clock),
        jobs(core.parts, core.refits, board),
        campaigns(core.store(), board) {
    EXPECT_TRUE(jobs.Start().ok());
  }
  ~Jobs() { board.Drain(); }

  WorkerPool pool{4, 64};
  JobBoard board;
  JobService jobs;
  CampaignService campaigns;
};

using Leased = absl::StatusOr<v1::LeaseJobResponse>;

class JobServiceTest : public ServerFixture {
 protected:
  JobServiceTest() {
    CreateStudy("s");
    Start();
  }
  // Before the core that it uses.
  ~JobServiceTest() override { all_.reset(); }

  void Start(int waiter_limit = 16) {
    all_.reset();
    all_ = std::make_unique<Jobs>(core(), &clock_, waiter_limit);
  }
  void RestartServer() {
    all_.reset();
    Restart();
    Start();
  }
  JobService& jobs() { return all_->jobs; }

  // A full-precision run of a million tokens.
  static v1::CreateJobRequest Request() {
    v1::CreateJobRequest request;
    request.set_parent("studies/s");
    v1::TrainingSpec& training = *request.mutable_job()->mutable_training();
    training.mutable_model()->set_width(32);
    training.mutable_model()->set_layers(2);
    training.mutable_schedule()->set_peak_rate(0.004);
    training.mutable_schedule()->set_fp_tokens(1'000'000);
    return request;
  }
  v1::Job Create(const v1::CreateJobRequest& request = Request()) {
    absl::StatusOr<v1::Job> job = jobs().CreateJob(call_, request);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.ok() ? *std::move(job) : v1::Job();
  }
  v1::Job Get(const std::string& name) {
    v1::GetJobRequest request;
    request.set_name(name);
    return jobs().GetJob(call_, request).value_or(v1::Job());
  }

  static v1::LeaseJobRequest Worker(int wait_seconds = 0) {
    v1::LeaseJobRequest request;
    request.set_worker("w");
    request.mutable_capabilities()->add_trainers("bitbudget-train");
    request.mutable_wait()->set_seconds(wait_seconds);
    return request;
  }
  std::shared_ptr<Outcome<Leased>> StartLease(const v1::LeaseJobRequest& request) {
    return StartLease(request, call_);
  }
  std::shared_ptr<Outcome<Leased>> StartLease(const v1::LeaseJobRequest& request,
                                              const CallContext& call) {
    auto outcome = std::make_shared<Outcome<Leased>>();
    jobs().LeaseJob(call, request, [outcome](Leased leased) { outcome->Set(std::move(leased)); });
    return outcome;
  }
  v1::LeaseJobResponse Lease(const v1::LeaseJobRequest& request = Worker()) {
    Leased leased = StartLease(request)->Get();
    EXPECT_TRUE(leased.ok()) << leased.status();
    return leased.ok() ? *std::move(leased) : v1::LeaseJobResponse();
  }
  absl::StatusOr<v1::ReportProgressResponse> Report(const v1::Job& job, int64_t tokens = 0) {
    v1::ReportProgressRequest request;
    request.set_name(job.name());
    request.set_attempt(job.attempt());
    if (tokens > 0) request.add_points()->set_tokens(tokens);
    return jobs().ReportProgress(call_, request);
  }
  static v1::CompleteJobRequest Result(const v1::Job& job) {
    v1::CompleteJobRequest request;
    request.set_name(job.name());
    request.set_attempt(job.attempt());
    *request.mutable_experiment() = FullPrecisionRun(24'736, 999'936);
    return request;
  }
  void Fail(const v1::Job& job, v1::JobFailure::Kind kind = v1::JobFailure::TRANSIENT) {
    v1::FailJobRequest request;
    request.set_name(job.name());
    request.set_attempt(job.attempt());
    request.mutable_failure()->set_kind(kind);
    request.mutable_failure()->set_message("no memory");
    EXPECT_TRUE(jobs().FailJob(call_, request).ok());
  }
  void Expire() {
    clock_.Advance(absl::Seconds(61));
    jobs().ExpireLeases();
  }

  StandingClock clock_;
  std::unique_ptr<Jobs> all_;
};

// Reads from a watch until it has no news.
template <typename Response>
std::vector<Response> ReadAll(WatchSource<Response>& watch) {
  std::vector<Response> messages;
  for (;;) {
    auto next = watch.Next();
    EXPECT_TRUE(next.ok()) << next.status();
    if (!next.ok() || !*next) return messages;
    messages.push_back(**std::move(next));
  }
}

}  // namespace bitbudget::server::testing

#endif  // BITBUDGET_TESTS_UNIT_SERVER_JOB_SERVICE_FIXTURE_H_
