// Results, failures and cancellations: what changes, and what a repeat or an
// earlier attempt changes no more.

#include "tests/unit/db/job_fixture.h"

namespace bitbudget::db {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

class JobEndTest : public JobTest {
 protected:
  // A job whose first attempt was lost, so that another trains it.
  struct Race {
    Attempt late;
    Attempt current;
  };
  Race StartRace() {
    Create();
    Race race{.late = Lease(Worker("w1"))};
    Lose(race.late);
    race.current = Lease(Worker("w2"));
    return race;
  }
};

TEST_F(JobEndTest, CompletionStoresTheRunAndClosesTheJob) {
  Create();
  const CompletionResult result = Complete(Result(Lease()));
  EXPECT_FALSE(result.job_unchanged);
  EXPECT_TRUE(result.revision_advanced);
  EXPECT_EQ(result.revision, 1);
  EXPECT_EQ(result.job.state(), v1::SUCCEEDED);
  EXPECT_EQ(result.job.experiment(), "studies/s/experiments/1");
  const absl::StatusOr<v1::Experiment> row = store_->GetExperiment(result.job.experiment());
  ASSERT_THAT(row, IsOk());
  EXPECT_EQ(row->provenance().job(), Name(1));
  EXPECT_EQ(row->provenance().attempt(), 1);
  EXPECT_EQ(row->provenance().code_version(), "v1");
}

TEST_F(JobEndTest, RepeatedCompletionHasNoSecondEffect) {
  Create();
  const Completion completion = Result(Lease());
  const CompletionResult first = Complete(completion);
  const CompletionResult second = Complete(completion);
  EXPECT_EQ(second.experiment->name(), first.experiment->name());
  EXPECT_FALSE(second.job_unchanged);
  EXPECT_EQ(second.revision, 1);
  EXPECT_FALSE(second.revision_advanced);
  EXPECT_THAT(second.changed, IsEmpty());
}

TEST_F(JobEndTest, LateResultAfterTheWinnerIsKeptAsSuperseded) {
  const Race race = StartRace();
  Complete(Result(race.current, 3.25));
  const CompletionResult late = Complete(Result(race.late, 3.5));
  EXPECT_TRUE(late.job_unchanged);
  EXPECT_TRUE(late.experiment->excluded());
  EXPECT_THAT(late.experiment->exclude_reason(), HasSubstr("superseded"));
  EXPECT_EQ(late.job.experiment(), "studies/s/experiments/1");
  EXPECT_THAT(RowsAt(2), ElementsAre("1:3.25", "2:3.5 x"));
  EXPECT_EQ(store_->GetStudy("studies/s")->excluded_experiment_count(), 1);
}

TEST_F(JobEndTest, LateResultWithTheSameContentIsTheStoredRow) {
  const Race race = StartRace();
  Complete(Result(race.current));
  const CompletionResult late = Complete(Result(race.late));
  EXPECT_EQ(late.experiment->name(), "studies/s/experiments/1");
  EXPECT_FALSE(late.experiment->excluded());
  EXPECT_FALSE(late.revision_advanced);
}

TEST_F(JobEndTest, LateResultBeforeTheWinnerIsUsedUntilThen) {
  const Race race = StartRace();
  const CompletionResult late = Complete(Result(race.late, 3.5));
  EXPECT_TRUE(late.job_unchanged);
  EXPECT_EQ(late.job.state(), v1::LEASED);
  EXPECT_THAT(RowsAt(late.revision), ElementsAre("1:3.5"));

  const CompletionResult winner = Complete(Result(race.current, 3.25));
  EXPECT_EQ(winner.job.experiment(), "studies/s/experiments/2");
  EXPECT_THAT(RowsAt(winner.revision), ElementsAre("1:3.5 x", "2:3.25"));
  EXPECT_EQ(RowsAt(late.revision), std::vector<std::string>{"1:3.5"});
  EXPECT_THAT(store_->GetExperiment("studies/s/experiments/1")->exclude_reason(),
              HasSubstr("superseded by attempt 2"));
}

TEST_F(JobEndTest, WinnerWithTheContentOfALateResultIsThatRow) {
  const Race race = StartRace();
  Complete(Result(race.late));
  const CompletionResult winner = Complete(Result(race.current));
  EXPECT_EQ(winner.job.experiment(), "studies/s/experiments/1");
  EXPECT_THAT(RowsAt(winner.revision), ElementsAre("1:3.25"));
}

TEST_F(JobEndTest, RepeatedLateResultHasNoSecondEffect) {
  const Race race = StartRace();
  Complete(Result(race.current, 3.25));
  Complete(Result(race.late, 3.5));
  const CompletionResult repeated = Complete(Result(race.late, 3.5));
  EXPECT_TRUE(repeated.job_unchanged);
  EXPECT_EQ(repeated.experiment->name(), "studies/s/experiments/2");
  EXPECT_FALSE(repeated.revision_advanced);
}

TEST_F(JobEndTest, ResultThatContradictsAnImportedRunIsKeptExcluded) {
  Insert({QatRun(0, 3.0)});
  Create();
  const CompletionResult result = Complete(Result(Lease(), 3.25));
  EXPECT_EQ(result.job.state(), v1::SUCCEEDED);
  EXPECT_TRUE(result.experiment->excluded());
  EXPECT_THAT(result.experiment->exclude_reason(), HasSubstr("studies/s/experiments/1"));
  EXPECT_THAT(RowsAt(2), ElementsAre("1:3", "2:3.25 x"));
}

TEST_F(JobEndTest, ResultOfALeaseThatRanOutCountsIfNobodyElseHasTheJob) {
  Create();
  const Attempt attempt = Lease();
  Lose(attempt);
  const CompletionResult result = Complete(Result(attempt));
  EXPECT_FALSE(result.job_unchanged);
  EXPECT_EQ(result.job.state(), v1::SUCCEEDED);
}

TEST_F(JobEndTest, AttemptThatWasNeverLeasedIsRefused) {
  Create();
  EXPECT_THAT(jobs().CompleteJob(Result({.job = Name(1), .attempt = 1})),
              FailsWith(absl::StatusCode::kInvalidArgument, "INVALID_FIELD"));
}

TEST_F(JobEndTest, TransientFailuresAreRetriedWhileTheBudgetLasts) {
  Create();
  EXPECT_EQ(Fail(Lease()).job.state(), v1::QUEUED);
  EXPECT_EQ(Fail(Lease()).job.state(), v1::QUEUED);
  const AttemptEnd last = Fail(Lease());
  EXPECT_EQ(last.job.state(), v1::FAILED);
  EXPECT_EQ(last.job.failure_count(), 3);
  EXPECT_EQ(last.job.failure().attempt(), 3);
  EXPECT_EQ(last.job.failure().worker(), "w");
}

TEST_F(JobEndTest, FailureThatWouldRepeatIsNotRetried) {
  Create();
  const AttemptEnd end = Fail(Lease(), v1::JobFailure::DIVERGED);
  EXPECT_EQ(end.job.state(), v1::FAILED);
  EXPECT_EQ(end.job.failure_count(), 0);
}

TEST_F(JobEndTest, RepeatedFailureCountsOnce) {
  Create();
  const Attempt attempt = Lease();
  Fail(attempt);
  const AttemptEnd repeated = Fail(attempt);
  EXPECT_FALSE(repeated.job_unchanged);
  EXPECT_THAT(repeated.changed, IsEmpty());
  EXPECT_EQ(repeated.job.failure_count(), 1);
}

TEST_F(JobEndTest, FailureOfAnEarlierAttemptChangesNothing) {
  const Race race = StartRace();
  const AttemptEnd end = Fail(race.late);
  EXPECT_TRUE(end.job_unchanged);
  EXPECT_EQ(end.job.state(), v1::LEASED);
  EXPECT_EQ(end.job.failure_count(), 0);
}

TEST_F(JobEndTest, ReleasedJobWaitsAgainWithoutAFailure) {
  Create();
  const Attempt attempt = Lease();
  const absl::StatusOr<AttemptEnd> released = jobs().ReleaseJob(attempt, {});
  ASSERT_THAT(released, IsOk());
  EXPECT_EQ(released->job.state(), v1::QUEUED);
  EXPECT_EQ(released->job.failure_count(), 0);
  EXPECT_FALSE(jobs().ReleaseJob(attempt, {})->job_unchanged);
  EXPECT_THAT(jobs().ReportProgress(Report(attempt, {})),
              FailsWith(absl::StatusCode::kAborted, "LEASE_LOST"));
}

TEST_F(JobEndTest, CancelledJobTellsItsWorkerToStop) {
  Create();
  const Attempt attempt = Lease();
  ASSERT_THAT(jobs().CancelJob(Name(1), "enough"), IsOk());
  EXPECT_EQ(Get(Name(1)).reason(), "enough");
  EXPECT_TRUE(jobs().ReportProgress(Report(attempt, {}))->stop);
  EXPECT_TRUE(jobs().ReportProgress(Report(attempt, {512}))->stop);
  const CompletionResult result = Complete(Result(attempt));
  EXPECT_TRUE(result.job_unchanged);
  EXPECT_EQ(result.job.state(), v1::CANCELLED);
  EXPECT_FALSE(result.experiment->excluded());
}

TEST_F(JobEndTest, EndedJobIsNotCancelled) {
  Create();
  Complete(Result(Lease()));
  const absl::StatusOr<JobChange> change = jobs().CancelJob(Name(1), "enough");
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->job.state(), v1::SUCCEEDED);
  EXPECT_THAT(change->changed, IsEmpty());
}

TEST_F(JobEndTest, FailureCancelsAllThatDependsOnTheJob) {
  Create(Job(0));
  Create(Job(1, {1}));
  Create(Job(2, {2}));
  Create(Job(3));
  const AttemptEnd end = Fail(Lease(), v1::JobFailure::INVALID);
  EXPECT_THAT(end.changed, ElementsAre(Name(1), Name(2), Name(3)));
  EXPECT_EQ(StateOf(Name(3)), v1::CANCELLED);
  EXPECT_EQ(Get(Name(2)).reason(), "studies/s/jobs/1, which it depends on, failed");
  EXPECT_EQ(StateOf(Name(4)), v1::QUEUED);
}

TEST_F(JobEndTest, RetryRevivesAllThatWasCancelledWithTheJob) {
  Create(Job(0));
  Create(Job(1, {1}));
  Create(Job(2, {2}));
  Fail(Lease(), v1::JobFailure::INVALID);
  const absl::StatusOr<JobChange> change = jobs().RetryJob(Name(1), {});
  ASSERT_THAT(change, IsOk());
  EXPECT_THAT(change->changed, ElementsAre(Name(1), Name(2), Name(3)));
  EXPECT_EQ(StateOf(Name(3)), v1::QUEUED);
  EXPECT_EQ(Lease().job, Name(1));
  EXPECT_EQ(Lease().job, "");
}

TEST_F(JobEndTest, RetryLeavesWhatAnotherFailedJobHolds) {
  Create(Job(0));
  Create(Job(1));
  Create(Job(2, {1, 2}));
  Fail(Lease(), v1::JobFailure::INVALID);
  Fail(Lease(), v1::JobFailure::INVALID);
  EXPECT_THAT(jobs().RetryJob(Name(1), {})->changed, ElementsAre(Name(1)));
  EXPECT_EQ(StateOf(Name(3)), v1::CANCELLED);
  EXPECT_THAT(jobs().RetryJob(Name(2), {})->changed, ElementsAre(Name(2), Name(3)));
  EXPECT_EQ(StateOf(Name(3)), v1::QUEUED);
}

TEST_F(JobEndTest, RetryHasAFreshBudget) {
  Create();
  for (int i = 0; i < 3; ++i) Fail(Lease());
  ASSERT_THAT(jobs().RetryJob(Name(1), {}), IsOk());
  EXPECT_EQ(Get(Name(1)).failure_count(), 0);
  EXPECT_EQ(Fail(Lease()).job.state(), v1::QUEUED);
}

TEST_F(JobEndTest, RetryIsRefusedWhereItMakesNoSense) {
  Create(Job(0));
  Create(Job(1, {1}));
  EXPECT_THAT(jobs().RetryJob(Name(1), {}), FailsWith(kPrecondition, "JOB_NOT_ENDED"));
  ASSERT_THAT(jobs().CancelJob(Name(1), ""), IsOk());
  EXPECT_THAT(jobs().RetryJob(Name(2), {}), FailsWith(kPrecondition, "DEPENDENCY_ENDED"));
  ASSERT_THAT(jobs().RetryJob(Name(1), {}), IsOk());
  Complete(Result(Lease()));
  EXPECT_THAT(jobs().RetryJob(Name(1), {}), FailsWith(kPrecondition, "JOB_SUCCEEDED"));
}

TEST_F(JobEndTest, RepeatedRetryHasNoSecondEffect) {
  Create();
  ASSERT_THAT(jobs().CancelJob(Name(1), ""), IsOk());
  const RequestKey key{.request_id = "r", .scope = "RetryJob", .request_hash = "h"};
  ASSERT_THAT(jobs().RetryJob(Name(1), key), IsOk());
  const absl::StatusOr<JobChange> repeated = jobs().RetryJob(Name(1), key);
  ASSERT_THAT(repeated, IsOk());
  EXPECT_THAT(repeated->changed, IsEmpty());
}

TEST_F(JobEndTest, JobThatDependsOnAFailedOneIsRefused) {
  Create();
  Fail(Lease(), v1::JobFailure::INVALID);
  EXPECT_THAT(jobs().CreateJob("studies/s", Job(1, {1}), {}),
              FailsWith(kPrecondition, "DEPENDENCY_ENDED"));
}

TEST_F(JobEndTest, RepeatedCreationIsTheFirstJob) {
  const RequestKey key{.request_id = "r", .scope = "CreateJob", .request_hash = "h"};
  ASSERT_THAT(jobs().CreateJob("studies/s", Job(), key), IsOk());
  const absl::StatusOr<v1::Job> repeated = jobs().CreateJob("studies/s", Job(), key);
  ASSERT_THAT(repeated, IsOk());
  EXPECT_EQ(repeated->name(), Name(1));
  EXPECT_THAT(jobs().ListJobs("studies/s", {}, {})->jobs, SizeIs(1));
}

TEST_F(JobEndTest, ProgressIsStoredAndMakesTheJobRun) {
  Create();
  const Attempt attempt = Lease();
  EXPECT_FALSE(jobs().ReportProgress(Report(attempt, {}))->changed);
  EXPECT_EQ(StateOf(Name(1)), v1::LEASED);
  EXPECT_TRUE(jobs().ReportProgress(Report(attempt, {512, 1024}))->changed);
  ASSERT_THAT(jobs().ReportProgress(Report(attempt, {1024, 1536})), IsOk());
  const v1::Job job = Get(Name(1));
  EXPECT_EQ(job.state(), v1::RUNNING);
  EXPECT_EQ(job.progress().tokens(), 1536);
  EXPECT_EQ(job.curve_size(), 3);
  EXPECT_THAT(*jobs().ReadCurve(Name(1), 512), SizeIs(2));
}

TEST_F(JobEndTest, LongCurveIsThinnedAndKeepsItsEnd) {
  Create();
  std::vector<int64_t> tokens;
  for (int64_t i = 1; i <= 1'000; ++i) tokens.push_back(i);
  ASSERT_THAT(jobs().ReportProgress(Report(Lease(), tokens)), IsOk());
  const v1::Job job = Get(Name(1));
  EXPECT_EQ(job.curve_size(), 500);
  EXPECT_EQ(job.curve(job.curve_size() - 1).tokens(), 1'000);
}

TEST_F(JobEndTest, NewAttemptHasACurveOfItsOwn) {
  Create();
  const Attempt first = Lease();
  ASSERT_THAT(jobs().ReportProgress(Report(first, {512})), IsOk());
  Lose(first);
  Lease();
  EXPECT_EQ(Get(Name(1)).curve_size(), 0);
  EXPECT_FALSE(Get(Name(1)).has_progress());
}

TEST_F(JobEndTest, ReportOfAnEarlierAttemptIsRefused) {
  const Race race = StartRace();
  EXPECT_THAT(jobs().ReportProgress(Report(race.late, {512})),
              FailsWith(absl::StatusCode::kAborted, "LEASE_LOST"));
  EXPECT_THAT(jobs().ReportProgress(Report(race.late, {})),
              FailsWith(absl::StatusCode::kAborted, "LEASE_LOST"));
  EXPECT_EQ(Get(Name(1)).curve_size(), 0);
}

TEST_F(JobEndTest, LostJobGoesOnIfNobodyElseHasTakenIt) {
  Create();
  const Attempt attempt = Lease();
  ASSERT_THAT(jobs().ReportProgress(Report(attempt, {512})), IsOk());
  Lose(attempt);
  ASSERT_THAT(jobs().ReportProgress(Report(attempt, {})), IsOk());
  EXPECT_EQ(StateOf(Name(1)), v1::RUNNING);
  EXPECT_EQ(Lease().job, "");
}

}  // namespace
}  // namespace bitbudget::db
