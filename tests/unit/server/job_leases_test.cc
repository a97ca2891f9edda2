// Who gets a job, how long it is theirs, and how it ends.

#include <set>

#include "tests/unit/server/job_service_fixture.h"

namespace bitbudget::server {
namespace {

using testing::FieldsOf;
using testing::Leased;
using testing::Outcome;
using testing::ReasonOf;
using JobLeasesTest = testing::JobServiceTest;

TEST_F(JobLeasesTest, NoJobIsNoError) {
  const v1::LeaseJobResponse leased = Lease();
  EXPECT_FALSE(leased.has_job());
  EXPECT_FALSE(leased.drain());
}

TEST_F(JobLeasesTest, WaitingWorkerGetsTheJobThatComes) {
  const auto waiting = StartLease(Worker(60));
  const v1::Job job = Create();
  const Leased leased = waiting->Get();
  ASSERT_TRUE(leased.ok()) << leased.status();
  EXPECT_EQ(leased->job().name(), job.name());
  EXPECT_EQ(leased->job().attempt(), 1);
  EXPECT_EQ(leased->lease().seconds(), 60);
}

TEST_F(JobLeasesTest, OneJobGoesToOneOfManyWhoWait) {
  std::vector<std::shared_ptr<Outcome<Leased>>> waiting(8);
  for (auto& outcome : waiting) outcome = StartLease(Worker(60));
  for (int i = 0; i < 8; ++i) Create();
  std::set<std::string> names;
  for (const auto& outcome : waiting) names.insert(outcome->Get()->job().name());
  EXPECT_EQ(names.size(), 8);
}

TEST_F(JobLeasesTest, MoreThanMayWaitAreTurnedAway) {
  Start(1);
  const auto waiting = StartLease(Worker(60));
  const absl::Status refused = StartLease(Worker(60))->Get().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "TOO_MANY_WAITING");
  EXPECT_TRUE(GetErrorDetails(refused)->retry_delay_seconds.has_value());
  EXPECT_FALSE(waiting->IsThere());
}

TEST_F(JobLeasesTest, ShutdownEndsThoseWhoWait) {
  const auto waiting = StartLease(Worker(60));
  all_->board.Drain();
  EXPECT_EQ(ReasonOf(waiting->Get().status()), "SHUTTING_DOWN");
  EXPECT_EQ(ReasonOf(StartLease(Worker(60))->Get().status()), "SHUTTING_DOWN");
}

TEST_F(JobLeasesTest, CallerWhoIsGoneHoldsNoLease) {
  CallContext call;
  call.cancelled = [] { return true; };
  const v1::Job job = Create();
  EXPECT_EQ(StartLease(Worker(60), call)->Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Get(job.name()).state(), v1::QUEUED);
}

TEST_F(JobLeasesTest, LeaseRunsOutWithoutAReport) {
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

TEST_F(JobLeasesTest, ReportExtendsTheLease) {
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

TEST_F(JobLeasesTest, ExpiredLeaseGoesToTheNextWorker) {
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

TEST_F(JobLeasesTest, RestartGivesEveryLeaseAFullPeriod) {
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

TEST_F(JobLeasesTest, CompletionStoresTheRunAndStartsARefit) {
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

TEST_F(JobLeasesTest, ResultOfAnotherTrainingIsRefused) {
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

TEST_F(JobLeasesTest, DrainedWorkerFinishesItsJobAndGetsNoOther) {
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

TEST_F(JobLeasesTest, WaitingWorkerHearsThatItIsToDrain) {
  const auto waiting = StartLease(Worker(60));
  v1::DrainWorkerRequest request;
  request.set_worker("w");
  ASSERT_TRUE(jobs().DrainWorker(call_, request).ok());
  const Leased leased = waiting->Get();
  ASSERT_TRUE(leased.ok()) << leased.status();
  EXPECT_TRUE(leased->drain());
}

TEST_F(JobLeasesTest, CancelledJobTellsItsWorkerToStop) {
  Create();
  const v1::Job job = Lease().job();
  v1::CancelJobRequest request;
  request.set_name(job.name());
  ASSERT_TRUE(jobs().CancelJob(call_, request).ok());
  EXPECT_EQ(Report(job)->directive(), v1::STOP);
  Expire();
  EXPECT_EQ(Get(job.name()).state(), v1::CANCELLED);
}

TEST_F(JobLeasesTest, WorkerThatCannotEndInTimeGetsNothing) {
  Create();
  v1::LeaseJobRequest worker = Worker();
  worker.mutable_capabilities()->set_flops_per_second(1e9);
  worker.mutable_remaining_wall_time()->set_seconds(148);  // the job takes 148.4 s
  EXPECT_FALSE(Lease(worker).has_job());
  worker.mutable_remaining_wall_time()->set_seconds(149);
  EXPECT_TRUE(Lease(worker).has_job());
}

TEST_F(JobLeasesTest, JobThatNobodyTakesSaysWhy) {
  const std::string name = Create().name();
  EXPECT_EQ(Get(name).reason(), "no worker has asked for jobs in the last 2 minutes");
  v1::LeaseJobRequest worker = Worker();
  worker.mutable_capabilities()->set_trainers(0, "another");
  EXPECT_FALSE(Lease(worker).has_job());
  EXPECT_EQ(Get(name).reason(), "no worker has trainer \"bitbudget-train\"; asking for jobs: w");
  worker = Worker();
  worker.set_worker("v");
  worker.mutable_capabilities()->add_data()->set_name("others");
  EXPECT_FALSE(Lease(worker).has_job());
  EXPECT_EQ(Get(name).reason(), "no worker has data \"tokens\"; asking for jobs: v, w");
  // The best of them has the data and no memory.
  worker.mutable_capabilities()->mutable_data(0)->set_name("tokens");
  worker.mutable_capabilities()->set_memory_bytes(1 << 20);
  EXPECT_FALSE(Lease(worker).has_job());
  EXPECT_EQ(Get(name).reason().substr(0, 20), "no worker offers the");
  clock_.Advance(absl::Minutes(3));
  EXPECT_EQ(Get(name).reason(), "no worker has asked for jobs in the last 2 minutes");
  EXPECT_TRUE(Lease().has_job());
  EXPECT_EQ(Get(name).reason(), "");
}

TEST_F(JobLeasesTest, FailedJobGoesToAnotherWorker) {
  v1::LeaseJobRequest other = Worker();
  other.set_worker("other");
  EXPECT_FALSE(Lease(other).has_job());
  Create();
  Fail(Lease().job());
  EXPECT_FALSE(Lease().has_job());
  const v1::Job job = Lease(other).job();
  EXPECT_EQ(job.attempt(), 2);
  Fail(job);
  EXPECT_TRUE(Lease().has_job());
}

TEST_F(JobLeasesTest, FailedJobComesBackToTheOnlyWorkerThatCanRunIt) {
  v1::LeaseJobRequest other = Worker();
  other.set_worker("other");
  other.mutable_capabilities()->set_trainers(0, "another");
  EXPECT_FALSE(Lease(other).has_job());
  Create();
  Fail(Lease().job());
  EXPECT_TRUE(Lease().has_job());
}

TEST_F(JobLeasesTest, FailedJobDoesNotWaitForAWorkerThatHungUp) {
  v1::LeaseJobRequest other = Worker();
  other.set_worker("other");
  CallContext gone;
  gone.cancelled = [] { return true; };
  EXPECT_FALSE(StartLease(other, gone)->Get().ok());
  Create();
  Fail(Lease().job());
  EXPECT_TRUE(Lease().has_job());
}

TEST_F(JobLeasesTest, FailedJobDoesNotWaitForAWorkerThatIsGone) {
  v1::LeaseJobRequest other = Worker();
  other.set_worker("other");
  EXPECT_FALSE(Lease(other).has_job());
  Create();
  Fail(Lease().job());
  clock_.Advance(absl::Minutes(3));
  EXPECT_TRUE(Lease().has_job());
}

}  // namespace
}  // namespace bitbudget::server
