// Who gets which job, and what a lease that ran out may still do.

#include "tests/unit/db/job_fixture.h"

namespace bitbudget::db {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class JobLeaseTest : public JobTest {};

TEST_F(JobLeaseTest, JobIsStoredAsItWasGiven) {
  NewJob job = Job(7);
  job.job.set_label("a label");
  job.job.set_training_hash("hash");
  const std::string name = Create(job);
  Reopen();
  const v1::Job stored = Get(name);
  EXPECT_EQ(stored.state(), v1::QUEUED);
  EXPECT_EQ(stored.label(), "a label");
  EXPECT_EQ(stored.training_hash(), "hash");
  EXPECT_EQ(stored.training().seed(), 7);
  EXPECT_EQ(stored.training().options().at("b"), "2");
}

TEST_F(JobLeaseTest, LeaseGrowsTheAttempt) {
  Create();
  const Attempt first = Lease(Worker("w1"));
  Lose(first);
  const Attempt second = Lease(Worker("w2"));
  EXPECT_EQ(first.attempt, 1);
  EXPECT_EQ(second.attempt, 2);
  EXPECT_EQ(Get(second.job).worker(), "w2");
}

TEST_F(JobLeaseTest, HigherPriorityComesFirstThenCreation) {
  Create(Job(0));
  NewJob urgent = Job(1);
  urgent.job.set_priority(5);
  Create(urgent);
  Create(Job(2));
  EXPECT_EQ(Lease().job, Name(2));
  EXPECT_EQ(Lease().job, Name(1));
  EXPECT_EQ(Lease().job, Name(3));
  EXPECT_EQ(Lease().job, "");
}

TEST_F(JobLeaseTest, JobGoesOnlyToItsTrainer) {
  NewJob other = Job();
  other.job.set_trainer("another");
  Create(other);
  EXPECT_FALSE(*jobs().HasJobFor(Worker()));
  EXPECT_EQ(Lease().job, "");
}

TEST_F(JobLeaseTest, JobGoesOnlyToThoseWhoHaveItsTokens) {
  NewJob job = Job();
  job.job.mutable_training()->set_data("gcide");
  job.job.mutable_training()->set_data_sha256("ab");
  Create(job);
  EXPECT_EQ(Lease().job, "");  // what it has is not known
  LeaseQuery worker = Worker();
  v1::WorkerCapabilities::Data& data = *worker.capabilities.add_data();
  data.set_name("gcide");
  data.set_sha256("cd");
  EXPECT_EQ(Lease(worker).job, "");
  data.set_sha256("ab");
  EXPECT_EQ(Lease(worker).job, Name(1));
}

TEST_F(JobLeaseTest, DataThatStateNoHashGoByTheirName) {
  Create();  // "tokens"
  LeaseQuery worker = Worker();
  worker.capabilities.add_data()->set_name("gcide");
  EXPECT_EQ(Lease(worker).job, "");
  worker.capabilities.add_data()->set_name("tokens");
  EXPECT_EQ(Lease(worker).job, Name(1));
}

TEST_F(JobLeaseTest, JobThatNeedsMoreMemoryWaitsForAnother) {
  Create();  // 1,000 bytes
  LeaseQuery worker = Worker();
  worker.capabilities.set_memory_bytes(999);
  EXPECT_EQ(Lease(worker).job, "");
  worker.capabilities.set_memory_bytes(1'000);
  EXPECT_EQ(Lease(worker).job, Name(1));
}

TEST_F(JobLeaseTest, JobThatCannotEndInTimeWaitsForAnother) {
  Create();  // 600 FLOPs
  LeaseQuery worker = Worker();
  worker.max_flops = 599;
  EXPECT_EQ(Lease(worker).job, "");
  worker.max_flops = 600;
  EXPECT_EQ(Lease(worker).job, Name(1));
}

TEST_F(JobLeaseTest, JobsOfOtherStudiesAreNotLeased) {
  ASSERT_THAT(store_->CreateStudy("other", StudyFields(), {}), IsOk());
  Create();
  LeaseQuery worker = Worker();
  worker.study = "studies/other";
  EXPECT_EQ(Lease(worker).job, "");
  worker.study = "studies/s";
  EXPECT_EQ(Lease(worker).job, Name(1));
}

TEST_F(JobLeaseTest, JobIsLeftToOthersForAWhileAfterItFailed) {
  Create();
  Fail(Lease(Worker("sick")));
  LeaseQuery worker = Worker("sick");
  worker.own_failures_after = clock_.Now() - absl::Minutes(5);
  worker.another_can_run = [](const JobNeeds& job) { return job.trainer == "t"; };
  EXPECT_FALSE(*jobs().HasJobFor(worker));
  EXPECT_EQ(Lease(worker).job, "");
  worker.own_failures_after = clock_.Now();
  EXPECT_EQ(Lease(worker).job, Name(1));
}

TEST_F(JobLeaseTest, JobIsLeftToNobodyWhereNobodyCanRunIt) {
  Create();
  Fail(Lease(Worker("sick")));
  LeaseQuery worker = Worker("sick");
  worker.own_failures_after = clock_.Now() - absl::Minutes(5);
  worker.another_can_run = [](const JobNeeds&) { return false; };
  EXPECT_EQ(Lease(worker).job, Name(1));
}

TEST_F(JobLeaseTest, RepeatedRequestGetsTheSameLease) {
  Create(Job(0));
  Create(Job(1));
  LeaseQuery worker = Worker();
  worker.request_id = "r";
  const Attempt first = Lease(worker);
  const Attempt repeated = Lease(worker);
  EXPECT_EQ(repeated.job, first.job);
  EXPECT_EQ(repeated.attempt, 1);
  EXPECT_EQ(Get(Name(2)).state(), v1::QUEUED);
}

TEST_F(JobLeaseTest, RepeatAfterTheLeaseRanOutGetsANewOne) {
  Create();
  LeaseQuery worker = Worker();
  worker.request_id = "r";
  Lose(Lease(worker));
  EXPECT_EQ(Lease(worker).attempt, 2);
}

TEST_F(JobLeaseTest, DependentWaitsUntilItsDependencySucceeds) {
  Create(Job(0));
  Create(Job(1, {1}));
  const Attempt trunk = Lease();
  EXPECT_EQ(Lease().job, "");
  EXPECT_EQ(Get(Name(2)).reason(), "waits for studies/s/jobs/1");
  EXPECT_THAT(Complete(Result(trunk)).changed, ElementsAre(Name(1), Name(2)));
  EXPECT_EQ(Lease().job, Name(2));
}

TEST_F(JobLeaseTest, BranchIsToldWhereItsTrunkLeftTheCheckpoint) {
  Create(Job(0));
  NewJob branch = Job(1, {1});
  branch.job.set_start_job(Name(1));
  branch.job.set_start_tokens(512);
  Create(branch);
  Completion trunk{.attempt = Lease()};
  v1::Checkpoint& checkpoint = trunk.checkpoints.emplace_back();
  checkpoint.set_tokens(512);
  checkpoint.set_path("/trunk.ckpt");
  Complete(trunk);
  const absl::StatusOr<std::optional<LeasedJob>> leased = jobs().Lease(Worker());
  ASSERT_THAT(leased, IsOk());
  ASSERT_TRUE((*leased)->start_checkpoint.has_value());
  EXPECT_EQ((*leased)->start_checkpoint->path(), "/trunk.ckpt");
}

TEST_F(JobLeaseTest, LossOfALeaseIsNoFailure) {
  Create();
  for (int i = 0; i < 10; ++i) Lose(Lease());
  const v1::Job job = Get(Name(1));
  EXPECT_EQ(job.state(), v1::LOST);
  EXPECT_EQ(job.lost_count(), 10);
  EXPECT_EQ(job.failure_count(), 0);
  EXPECT_EQ(Lease().attempt, 11);
}

TEST_F(JobLeaseTest, LeaseThatEndedOtherwiseDoesNotRunOut) {
  Create();
  const Attempt attempt = Lease();
  Complete(Result(attempt));
  EXPECT_FALSE((*jobs().ExpireLease(attempt)).has_value());
  EXPECT_EQ(StateOf(Name(1)), v1::SUCCEEDED);
}

TEST_F(JobLeaseTest, OpenLeasesAreThereAgainAfterARestart) {
  Create(Job(0));
  Create(Job(1));
  Lease(Worker("w1"));
  Complete(Result(Lease(Worker("w2")), 3.25, 1));
  Reopen();
  const std::vector<OpenLease> leases = *jobs().ListOpenLeases("");
  ASSERT_THAT(leases, SizeIs(1));
  EXPECT_EQ(leases[0].job, Name(1));
  EXPECT_EQ(leases[0].attempt, 1);
  EXPECT_EQ(leases[0].period, absl::Seconds(60));
  EXPECT_THAT(*jobs().ListOpenLeases("w2"), IsEmpty());
}

TEST_F(JobLeaseTest, DeletedStudyLeasesNothing) {
  Create();
  EXPECT_THAT(store_->DeleteStudy("studies/s", false, {}),
              FailsWith(absl::StatusCode::kFailedPrecondition, "STUDY_NOT_EMPTY"));
  ASSERT_THAT(store_->DeleteStudy("studies/s", true, {}), IsOk());
  EXPECT_EQ(Lease().job, "");
  EXPECT_THAT(jobs().GetJob(Name(1)), FailsWith(absl::StatusCode::kNotFound, "JOB_NOT_FOUND"));
}

TEST_F(JobLeaseTest, NumbersOfJobsAreNeverGivenTwice) {
  Create();
  ASSERT_THAT(store_->DeleteStudy("studies/s", true, {}), IsOk());
  ASSERT_THAT(store_->CreateStudy("s", StudyFields(), {}), IsOk());
  EXPECT_EQ(Create(), Name(2));
}

TEST_F(JobLeaseTest, DamagedDefinitionIsRefused) {
  Create();
  Close();
  ExecuteSql(
      "DROP TRIGGER jobs_keep_their_definition;"
      "UPDATE jobs SET definition = x'0a0178' WHERE job_number = 1");
  Open();
  EXPECT_THAT(jobs().GetJob(Name(1)), FailsWith(absl::StatusCode::kDataLoss, "DATABASE_DAMAGED"));
  EXPECT_THAT(jobs().Lease(Worker()), FailsWith(absl::StatusCode::kDataLoss, "DATABASE_DAMAGED"));
}

TEST_F(JobLeaseTest, PagesGoThroughAllJobsInTheOrderOfCreation) {
  for (int seed = 0; seed < 5; ++seed) Create(Job(seed));
  Lease();
  std::vector<std::string> names;
  PageRequest page{.size = 2};
  do {
    const absl::StatusOr<JobPage> result = jobs().ListJobs("studies/s", {}, page);
    ASSERT_THAT(result, IsOk());
    for (const v1::Job& job : result->jobs) names.push_back(job.name());
    page.token = result->next_page_token;
  } while (!page.token.empty());
  EXPECT_THAT(names, ElementsAre(Name(1), Name(2), Name(3), Name(4), Name(5)));
  v1::JobFilter filter;
  filter.add_states(v1::LEASED);
  filter.set_worker("w");
  EXPECT_THAT(jobs().ListJobs("", filter, {})->jobs, SizeIs(1));
}

}  // namespace
}  // namespace bitbudget::db
