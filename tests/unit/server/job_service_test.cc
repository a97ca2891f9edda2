// JobService and CampaignService as plain functions on a clock that stands still.

#include "server/job_service.h"

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "server/campaign_service.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using testing::FieldsOf;
using testing::Outcome;
using testing::ReasonOf;

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
  Jobs(testing::Core& core, const Clock* clock, int waiter_limit)
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

class JobServiceTest : public testing::ServerFixture {
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
    *request.mutable_experiment() = testing::FullPrecisionRun(24'736, 999'936);
    return request;
  }
  void Expire() {
    clock_.Advance(absl::Seconds(61));
    jobs().ExpireLeases();
  }

  StandingClock clock_;
  std::unique_ptr<Jobs> all_;
};

TEST_F(JobServiceTest, CreatedJobSaysWhatItIs) {
  const v1::Job job = Create();
  EXPECT_EQ(job.trainer(), "bitbudget-train");
  EXPECT_EQ(job.kind(), v1::MEASUREMENT);
  EXPECT_EQ(job.max_failures(), 3);
  EXPECT_EQ(job.label(), "24.7k parameters, 1M tokens, 16 bits, seed 0");
  EXPECT_EQ(job.estimated_flops(), 6.0 * 24'736 * 1'000'000);
}

TEST_F(JobServiceTest, HashCoversWhatDecidesTheResultAndNothingElse) {
  v1::CreateJobRequest request = Request();
  const std::string hash = Create(request).training_hash();
  request.mutable_job()->set_priority(3);
  request.mutable_job()->mutable_training()->set_batch_sequences(8);  // the default
  request.mutable_job()->mutable_training()->add_milestone_tokens(512'000);
  EXPECT_EQ(Create(request).training_hash(), hash);
  request.mutable_job()->mutable_training()->set_seed(1);
  EXPECT_NE(Create(request).training_hash(), hash);
}

TEST_F(JobServiceTest, AllViolationsAreNamedAtOnce) {
  v1::CreateJobRequest request = Request();
  v1::TrainingSpec& training = *request.mutable_job()->mutable_training();
  training.mutable_model()->set_parameters(5);
  training.mutable_schedule()->set_peak_rate(2);
  training.set_data_sha256("xyz");
  request.mutable_job()->set_priority(1'001);
  EXPECT_EQ(FieldsOf(jobs().CreateJob(call_, request).status()),
            (std::vector<std::string>{"job.priority",
                                      "job.training.data_sha256",
                                      "job.training.model.parameters",
                                      "job.training.schedule.peak_rate"}));
}

TEST_F(JobServiceTest, WhatTheBundledTrainerCannotDoIsRefused) {
  v1::CreateJobRequest request = Request();
  v1::TrainingSpec& training = *request.mutable_job()->mutable_training();
  training.mutable_quantization()->set_bits(2.5);
  training.mutable_model()->set_width(40);
  EXPECT_EQ(
      FieldsOf(jobs().CreateJob(call_, request).status()),
      (std::vector<std::string>{"job.training.model.width", "job.training.quantization.bits"}));
  request.mutable_job()->set_trainer("another");
  EXPECT_TRUE(jobs().CreateJob(call_, request).ok());
}

TEST_F(JobServiceTest, StartMustBeAMilestoneOfADependency) {
  v1::CreateJobRequest trunk = Request();
  trunk.mutable_job()->set_kind(v1::TRUNK);
  trunk.mutable_job()->mutable_training()->add_milestone_tokens(512'000);
  const std::string name = Create(trunk).name();
  v1::CreateJobRequest branch = Request();
  branch.mutable_job()->set_start_job(name);
  branch.mutable_job()->set_start_tokens(500'000);
  EXPECT_EQ(FieldsOf(jobs().CreateJob(call_, branch).status()),
            std::vector<std::string>{"job.start_job"});
  branch.mutable_job()->add_dependencies(name);
  EXPECT_EQ(FieldsOf(jobs().CreateJob(call_, branch).status()),
            std::vector<std::string>{"job.start_tokens"});
  branch.mutable_job()->set_start_tokens(512'000);
  EXPECT_EQ(Create(branch).estimated_flops(), 6.0 * 24'736 * 488'000);
}

TEST_F(JobServiceTest, NoJobIsNoError) {
  const v1::LeaseJobResponse leased = Lease();
  EXPECT_FALSE(leased.has_job());
  EXPECT_FALSE(leased.drain());
}

TEST_F(JobServiceTest, WaitingWorkerGetsTheJobThatComes) {
  const auto waiting = StartLease(Worker(60));
  const v1::Job job = Create();
  const Leased leased = waiting->Get();
  ASSERT_TRUE(leased.ok()) << leased.status();
  EXPECT_EQ(leased->job().name(), job.name());
  EXPECT_EQ(leased->job().attempt(), 1);
  EXPECT_EQ(leased->lease().seconds(), 60);
}

TEST_F(JobServiceTest, OneJobGoesToOneOfManyWhoWait) {
  std::vector<std::shared_ptr<Outcome<Leased>>> waiting(8);
  for (auto& outcome : waiting) outcome = StartLease(Worker(60));
  for (int i = 0; i < 8; ++i) Create();
  std::set<std::string> names;
  for (const auto& outcome : waiting) names.insert(outcome->Get()->job().name());
  EXPECT_EQ(names.size(), 8);
}

TEST_F(JobServiceTest, MoreThanMayWaitAreTurnedAway) {
  Start(1);
  const auto waiting = StartLease(Worker(60));
  const absl::Status refused = StartLease(Worker(60))->Get().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "TOO_MANY_WAITING");
  EXPECT_TRUE(GetErrorDetails(refused)->retry_delay_seconds.has_value());
  EXPECT_FALSE(waiting->IsThere());
}

TEST_F(JobServiceTest, ShutdownEndsThoseWhoWait) {
  const auto waiting = StartLease(Worker(60));
  all_->board.Drain();
  EXPECT_EQ(ReasonOf(waiting->Get().status()), "SHUTTING_DOWN");
  EXPECT_EQ(ReasonOf(StartLease(Worker(60))->Get().status()), "SHUTTING_DOWN");
}

TEST_F(JobServiceTest, CallerWhoIsGoneHoldsNoLease) {
  CallContext call;
  call.cancelled = [] { return true; };
  const v1::Job job = Create();
  EXPECT_EQ(StartLease(Worker(60), call)->Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Get(job.name()).state(), v1::QUEUED);
}

TEST_F(JobServiceTest, LeaseRunsOutWithoutAReport) {
  Create();
  const v1::Job job = Lease().job();
  clock_.Advance(absl::Seconds(59));
  jobs().ExpireLeases();
  EXPECT_EQ(Get(job.name()).lease_remaining().seconds(), 1);
  clock_.Advance(absl::Seconds(1));
  jobs().ExpireLeases();
  EXPECT_EQ(Get(job.name()).state(), v1::LOST);
  EXPECT_FALSE(Get(job.name()).has_lease_remaining());
}

TEST_F(JobServiceTest, ReportExtendsTheLease) {
  Create();
  const v1::Job job = Lease().job();
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(absl::Seconds(59));
    jobs().ExpireLeases();
    const auto report = Report(job);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->directive(), v1::CONTINUE);
  }
  EXPECT_EQ(Get(job.name()).state(), v1::LEASED);
}

TEST_F(JobServiceTest, ExpiredLeaseGoesToTheNextWorker) {
  Create();
  const v1::Job late = Lease().job();
  const auto waiting = StartLease(Worker(60));
  Expire();
  const Leased leased = waiting->Get();
  ASSERT_TRUE(leased.ok()) << leased.status();
  EXPECT_EQ(leased->job().attempt(), 2);
  const absl::Status lost = Report(late, 512).status();
  EXPECT_EQ(lost.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(lost), "LEASE_LOST");
}

TEST_F(JobServiceTest, RestartGivesEveryLeaseAFullPeriod) {
  Create();
  const v1::Job job = Lease().job();
  clock_.Advance(absl::Seconds(59));
  RestartServer();
  clock_.Advance(absl::Seconds(59));
  jobs().ExpireLeases();
  EXPECT_EQ(Get(job.name()).state(), v1::LEASED);
  EXPECT_EQ(Report(job)->directive(), v1::CONTINUE);
  Expire();
  EXPECT_EQ(Get(job.name()).state(), v1::LOST);
}

TEST_F(JobServiceTest, CompletionStoresTheRunAndStartsARefit) {
  Store("studies/s", testing::FullPrecisionGrid());
  Create();
  const auto completed = jobs().CompleteJob(call_, Result(Lease().job()));
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(completed->job().state(), v1::SUCCEEDED);
  EXPECT_EQ(completed->experiment().role(), v1::FULL_PRECISION);
  EXPECT_EQ(completed->revision(), 2);
  const absl::StatusOr<StudyState> state = Await("studies/s", 2);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->covered_revision(), 2);
}

TEST_F(JobServiceTest, ResultOfAnotherTrainingIsRefused) {
  Create();
  const v1::Job job = Lease().job();
  v1::CompleteJobRequest request = Result(job);
  request.mutable_experiment()->set_parameters(24'737);
  request.mutable_experiment()->set_fp_tokens(980'000);
  request.mutable_experiment()->set_replicate(1);
  EXPECT_EQ(FieldsOf(jobs().CompleteJob(call_, request).status()),
            (std::vector<std::string>{
                "experiment.parameters", "experiment.replicate", "experiment.fp_tokens"}));
  request.clear_experiment();
  EXPECT_EQ(FieldsOf(jobs().CompleteJob(call_, request).status()),
            std::vector<std::string>{"experiment"});
  EXPECT_EQ(Get(job.name()).state(), v1::LEASED);
}

TEST_F(JobServiceTest, DrainedWorkerFinishesItsJobAndGetsNoOther) {
  Create();
  const v1::Job job = Lease().job();
  Create();
  v1::DrainWorkerRequest request;
  request.set_worker("w");
  const auto drained = jobs().DrainWorker(call_, request);
  ASSERT_TRUE(drained.ok()) << drained.status();
  EXPECT_EQ(drained->jobs_size(), 1);
  EXPECT_EQ(Report(job)->directive(), v1::DRAIN);
  EXPECT_TRUE(Lease().drain());
  request.set_lift(true);
  ASSERT_TRUE(jobs().DrainWorker(call_, request).ok());
  EXPECT_EQ(Report(job)->directive(), v1::CONTINUE);
  EXPECT_TRUE(Lease().has_job());
}

TEST_F(JobServiceTest, WaitingWorkerHearsThatItIsToDrain) {
  const auto waiting = StartLease(Worker(60));
  v1::DrainWorkerRequest request;
  request.set_worker("w");
  ASSERT_TRUE(jobs().DrainWorker(call_, request).ok());
  const Leased leased = waiting->Get();
  ASSERT_TRUE(leased.ok()) << leased.status();
  EXPECT_TRUE(leased->drain());
}

TEST_F(JobServiceTest, CancelledJobTellsItsWorkerToStop) {
  Create();
  const v1::Job job = Lease().job();
  v1::CancelJobRequest request;
  request.set_name(job.name());
  ASSERT_TRUE(jobs().CancelJob(call_, request).ok());
  EXPECT_EQ(Report(job)->directive(), v1::STOP);
  Expire();
  EXPECT_EQ(Get(job.name()).state(), v1::CANCELLED);
}

TEST_F(JobServiceTest, WorkerThatCannotEndInTimeGetsNothing) {
  Create();
  v1::LeaseJobRequest worker = Worker();
  worker.mutable_capabilities()->set_flops_per_second(1e9);
  worker.mutable_remaining_wall_time()->set_seconds(148);  // the job takes 148.4 s
  EXPECT_FALSE(Lease(worker).has_job());
  worker.mutable_remaining_wall_time()->set_seconds(149);
  EXPECT_TRUE(Lease(worker).has_job());
}

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

TEST_F(JobServiceTest, WatchBeginsWithThePresentAndGoesOnWithChanges) {
  Create();
  Create();
  v1::WatchJobsRequest request;
  request.set_parent("studies/s");
  const auto woken = std::make_shared<Outcome<absl::Status>>();
  auto watch = jobs().WatchJobs(request, [woken] { woken->Set(absl::OkStatus()); });
  ASSERT_TRUE(watch.ok()) << watch.status();
  const std::vector<v1::WatchJobsResponse> present = ReadAll(**watch);
  ASSERT_EQ(present.size(), 2);
  EXPECT_FALSE(present[0].present_state_complete());
  EXPECT_TRUE(present[1].present_state_complete());

  const v1::Job job = Lease().job();
  ASSERT_TRUE(Report(job, 512).ok());
  ASSERT_TRUE(woken->Get().ok());
  // Both changes at once, as the latest state.
  const std::vector<v1::WatchJobsResponse> changes = ReadAll(**watch);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].job().state(), v1::RUNNING);
  ASSERT_EQ(changes[0].points_size(), 1);
  EXPECT_EQ(changes[0].points(0).tokens(), 512);
}

TEST_F(JobServiceTest, WatchTellsOnceMoreOfAJobThatCeasesToMatch) {
  const v1::Job job = Create();
  v1::WatchJobsRequest request;
  request.set_parent("studies/-");
  request.mutable_filter()->add_states(v1::QUEUED);
  auto watch = jobs().WatchJobs(request, [] {});
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_EQ(ReadAll(**watch).size(), 1);
  const v1::Job leased = Lease().job();
  EXPECT_EQ(ReadAll(**watch).size(), 1);
  ASSERT_TRUE(Report(leased, 512).ok());
  EXPECT_EQ(ReadAll(**watch).size(), 0);
}

TEST_F(JobServiceTest, EmptyPresentStateIsSaidToBeComplete) {
  v1::WatchJobsRequest request;
  request.set_parent("studies/s");
  auto watch = jobs().WatchJobs(request, [] {});
  const std::vector<v1::WatchJobsResponse> messages = ReadAll(**watch);
  ASSERT_EQ(messages.size(), 1);
  EXPECT_FALSE(messages[0].has_job());
  EXPECT_TRUE(messages[0].present_state_complete());
}

TEST_F(JobServiceTest, ShutdownEndsWatches) {
  v1::WatchJobsRequest request;
  request.set_parent("studies/s");
  const auto woken = std::make_shared<Outcome<absl::Status>>();
  auto watch = jobs().WatchJobs(request, [woken] { woken->Set(absl::OkStatus()); });
  all_->board.Drain();
  ASSERT_TRUE(woken->Get().ok());
  EXPECT_EQ(ReasonOf((*watch)->Next().status()), "SHUTTING_DOWN");
}

v1::CreateCampaignRequest CampaignRequest() {
  v1::CreateCampaignRequest request;
  request.set_parent("studies/s");
  request.set_campaign_id("c");
  v1::Campaign& campaign = *request.mutable_campaign();
  campaign.mutable_training()->mutable_schedule()->set_peak_rate(0.004);
  v1::CampaignGrid& grid = *campaign.add_grids();
  v1::TrainingModel& shape = *grid.add_models()->mutable_shape();
  shape.set_width(32);
  shape.set_layers(2);
  grid.add_total_tokens(1'000'000);
  grid.add_weight_bits(2);
  grid.add_weight_bits(4);
  grid.add_qat_fractions(0.25);
  return request;
}

TEST_F(JobServiceTest, CampaignIsPlannedStoredAndFollowedToItsEnd) {
  v1::CreateCampaignRequest request = CampaignRequest();
  request.set_validate_only(true);
  const auto cost = all_->campaigns.CreateCampaign(call_, request);
  ASSERT_TRUE(cost.ok()) << cost.status();
  EXPECT_EQ(cost->name(), "");
  EXPECT_GT(cost->cost().flops_alone(), cost->cost().flops());
  EXPECT_FALSE(Lease().has_job());

  request.set_validate_only(false);
  const auto created = all_->campaigns.CreateCampaign(call_, request);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->name(), "studies/s/campaigns/c");
  v1::WatchCampaignRequest watched;
  watched.set_name(created->name());
  auto watch = all_->campaigns.WatchCampaign(watched, [] {});
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_EQ(ReadAll(**watch).size(), 1);
  EXPECT_TRUE(Lease().has_job());
  EXPECT_EQ(ReadAll(**watch).size(), 1);

  v1::CancelCampaignRequest cancel;
  cancel.set_name(created->name());
  const auto cancelled = all_->campaigns.CancelCampaign(call_, cancel);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_TRUE(cancelled->ended());
  EXPECT_EQ(ReadAll(**watch).size(), 1);
  EXPECT_TRUE((*watch)->has_ended());
}

TEST_F(JobServiceTest, CampaignThatNoTrainerCanTrainIsRefused) {
  v1::CreateCampaignRequest request = CampaignRequest();
  request.mutable_campaign()->mutable_grids(0)->mutable_models(0)->mutable_shape()->set_width(40);
  EXPECT_EQ(FieldsOf(all_->campaigns.CreateCampaign(call_, request).status()),
            std::vector<std::string>{"campaign.training.model.width"});
}

}  // namespace
}  // namespace bitbudget::server
