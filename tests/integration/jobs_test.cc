// Jobs over a real socket: what wakes who waits, what bounds them, what ends
// them, and what survives a kill.

#include <csignal>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "bitbudget/v1/campaign.grpc.pb.h"
#include "bitbudget/v1/job.grpc.pb.h"
#include "tests/integration/integration_fixture.h"

namespace bitbudget::integration {
namespace {

using JobStub = v1::JobService::Stub;

// An open stream of changes.
struct Watch {
  explicit Watch(JobStub& jobs) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    v1::WatchJobsRequest request;
    request.set_parent("studies/s");
    reader = jobs.WatchJobs(&context, request);
  }

  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::WatchJobsResponse>> reader;
};

class JobsTest : public IntegrationTest {
 protected:
  void Begin() {
    StartServer();
    CreateStudy("s");
    Connect();
  }
  void Connect() { jobs_ = v1::JobService::NewStub(stubs().channel); }
  JobStub& jobs() { return *jobs_; }

  // A full-precision run of ours in a million tokens.
  std::string CreateJob(int seed = 0, const std::string& trainer = "") {
    v1::CreateJobRequest request;
    request.set_parent("studies/s");
    request.mutable_job()->set_trainer(trainer);
    v1::TrainingSpec& training = *request.mutable_job()->mutable_training();
    training.set_seed(seed);
    training.mutable_model()->set_width(32);
    training.mutable_model()->set_layers(2);
    training.mutable_schedule()->set_peak_rate(0.004);
    training.mutable_schedule()->set_fp_tokens(1'000'000);
    v1::Job job;
    const grpc::Status status = Call(jobs(), &JobStub::CreateJob, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job.name();
  }

  static v1::LeaseJobRequest Worker(int wait_seconds) {
    v1::LeaseJobRequest request;
    request.set_worker("w");
    request.mutable_capabilities()->add_trainers("bitbudget-train");
    request.mutable_wait()->set_seconds(wait_seconds);
    return request;
  }
  struct Leased {
    grpc::Status status;
    v1::LeaseJobResponse response;
  };
  Leased Lease(int wait_seconds = 0) {
    Leased leased;
    leased.status = Call(jobs(), &JobStub::LeaseJob, Worker(wait_seconds), &leased.response);
    return leased;
  }
  // Until the server says so of a job that the worker cannot take.
  void AwaitThatTheWorkerAsks() {
    v1::GetJobRequest request;
    request.set_name(CreateJob(0, "another-trainer"));
    v1::Job job;
    while (!job.reason().ends_with("asking for jobs: w")) {
      ASSERT_TRUE(Call(jobs(), &JobStub::GetJob, request, &job).ok());
    }
  }
  grpc::Status Report(const v1::Job& job, v1::ReportProgressResponse* response) {
    v1::ReportProgressRequest request;
    request.set_name(job.name());
    request.set_attempt(job.attempt());
    request.add_points()->set_tokens(512);
    return Call(jobs(), &JobStub::ReportProgress, request, response);
  }
  grpc::Status Complete(const v1::Job& job, v1::CompleteJobResponse* response) {
    v1::CompleteJobRequest request;
    request.set_name(job.name());
    request.set_attempt(job.attempt());
    v1::Experiment& run = *request.mutable_experiment();
    run.set_parameters(24'736);
    run.set_fp_tokens(999'936);
    run.set_weight_bits(16);
    run.set_replicate(job.training().seed());
    run.set_loss_nats(2.5);
    return Call(jobs(), &JobStub::CompleteJob, request, response);
  }

 private:
  std::unique_ptr<JobStub> jobs_;
};

TEST_F(JobsTest, WaitingWorkerGetsTheJobThatIsCreated) {
  Begin();
  auto waiting = std::async(std::launch::async, [this] { return Lease(60); });
  const std::string name = CreateJob();
  const Leased leased = waiting.get();
  ASSERT_TRUE(leased.status.ok()) << leased.status.error_message();
  EXPECT_EQ(leased.response.job().name(), name);
  EXPECT_EQ(leased.response.job().state(), v1::LEASED);
}

TEST_F(JobsTest, WaitEndsWithoutAJob) {
  Begin();
  const Leased leased = Lease(1);
  EXPECT_TRUE(leased.status.ok()) << leased.status.error_message();
  EXPECT_FALSE(leased.response.has_job());
}

// More than there are request threads: those who wait hold none of them.
TEST_F(JobsTest, ManyWaitWhileOthersAreServed) {
  Begin();
  constexpr int kWorkers = 100;
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<Leased> leased(kWorkers);
  std::vector<std::unique_ptr<grpc::ClientAsyncResponseReader<v1::LeaseJobResponse>>> calls;
  for (int i = 0; i < kWorkers; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    contexts.back()->set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    calls.push_back(jobs().AsyncLeaseJob(contexts.back().get(), Worker(60), &queue));
    calls.back()->Finish(&leased[i].response, &leased[i].status, nullptr);
  }
  for (int i = 0; i < kWorkers; ++i) CreateJob(i);
  void* tag = nullptr;
  bool ok = false;
  for (int i = 0; i < kWorkers; ++i) ASSERT_TRUE(queue.Next(&tag, &ok));
  std::set<std::string> names;
  for (const Leased& lease : leased) {
    EXPECT_TRUE(lease.status.ok()) << lease.status.error_message();
    names.insert(lease.response.job().name());
  }
  EXPECT_EQ(names.size(), kWorkers);
}

TEST_F(JobsTest, WatchFollowsAJobToItsEnd) {
  Begin();
  Watch watch(jobs());
  v1::WatchJobsResponse message;
  ASSERT_TRUE(watch.reader->Read(&message));
  EXPECT_TRUE(message.present_state_complete());
  const std::string name = CreateJob();
  ASSERT_TRUE(watch.reader->Read(&message));
  EXPECT_EQ(message.job().name(), name);
  EXPECT_EQ(message.job().state(), v1::QUEUED);

  v1::CompleteJobResponse completed;
  const v1::Job job = Lease().response.job();
  v1::ReportProgressResponse directive;
  ASSERT_TRUE(Report(job, &directive).ok());
  EXPECT_EQ(directive.directive(), v1::CONTINUE);
  ASSERT_TRUE(Complete(job, &completed).ok());
  int points = 0;
  do {
    ASSERT_TRUE(watch.reader->Read(&message));
    points += message.points_size();
  } while (message.job().state() != v1::SUCCEEDED);
  EXPECT_EQ(points, 1);
  EXPECT_EQ(message.job().experiment(), completed.experiment().name());
}

TEST_F(JobsTest, MoreWatchesThanMayBeAreTurnedAway) {
  Begin();
  constexpr int kMostWatches = 128;
  std::vector<std::unique_ptr<Watch>> watches;
  v1::WatchJobsResponse message;
  for (int i = 0; i < kMostWatches; ++i) {
    watches.push_back(std::make_unique<Watch>(jobs()));
    ASSERT_TRUE(watches.back()->reader->Read(&message));
  }
  Watch refused(jobs());
  EXPECT_FALSE(refused.reader->Read(&message));
  const grpc::Status status = refused.reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailsOf(status).reason, "TOO_MANY_CALLS");
  EXPECT_TRUE(DetailsOf(status).retry_delay_seconds.has_value());
}

TEST_F(JobsTest, ShutdownEndsThoseWhoWaitAndThoseWhoWatch) {
  Begin();
  Watch watch(jobs());
  v1::WatchJobsResponse message;
  ASSERT_TRUE(watch.reader->Read(&message));
  auto waiting = std::async(std::launch::async, [this] { return Lease(60); });
  AwaitThatTheWorkerAsks();
  EXPECT_EQ(server().Stop(), (testing::ExitStatus{.code = 0}));
  EXPECT_EQ(waiting.get().status.error_code(), grpc::StatusCode::UNAVAILABLE);
  while (watch.reader->Read(&message)) {
  }
  EXPECT_EQ(watch.reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(JobsTest, DrainReachesTheWorkerAtItsNextReport) {
  Begin();
  CreateJob();
  const v1::Job job = Lease().response.job();
  v1::DrainWorkerRequest request;
  request.set_worker("w");
  v1::DrainWorkerResponse drained;
  ASSERT_TRUE(Call(jobs(), &JobStub::DrainWorker, request, &drained).ok());
  ASSERT_EQ(drained.jobs_size(), 1);
  EXPECT_EQ(drained.jobs(0), job.name());
  v1::ReportProgressResponse directive;
  ASSERT_TRUE(Report(job, &directive).ok());
  EXPECT_EQ(directive.directive(), v1::DRAIN);
  EXPECT_TRUE(Lease().response.drain());
}

TEST_F(JobsTest, LeaseAndItsAttemptSurviveAKill) {
  Begin();
  CreateJob();
  const v1::Job job = Lease().response.job();
  v1::ReportProgressResponse directive;
  ASSERT_TRUE(Report(job, &directive).ok());
  server().process().Signal(SIGKILL);
  ASSERT_TRUE(server().process().Wait(kPatience).has_value());
  StartServer();
  Connect();
  ASSERT_TRUE(Report(job, &directive).ok());
  EXPECT_EQ(directive.directive(), v1::CONTINUE);
  EXPECT_FALSE(Lease().response.has_job());
  v1::CompleteJobResponse completed;
  ASSERT_TRUE(Complete(job, &completed).ok());
  EXPECT_EQ(completed.job().state(), v1::SUCCEEDED);
  v1::CompleteJobResponse repeated;
  ASSERT_TRUE(Complete(job, &repeated).ok());
  EXPECT_EQ(repeated.experiment().name(), completed.experiment().name());
  EXPECT_EQ(repeated.revision(), completed.revision());
}

TEST_F(JobsTest, LostLeaseIsAborted) {
  Begin();
  CreateJob();
  const v1::Job job = Lease().response.job();
  v1::ReleaseJobRequest request;
  request.set_name(job.name());
  request.set_attempt(job.attempt());
  v1::ReleaseJobResponse released;
  ASSERT_TRUE(Call(jobs(), &JobStub::ReleaseJob, request, &released).ok());
  v1::ReportProgressResponse directive;
  const grpc::Status status = Report(job, &directive);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(DetailsOf(status).reason, "LEASE_LOST");
}

TEST_F(JobsTest, CampaignIsWatchedToItsEnd) {
  Begin();
  const auto campaigns = v1::CampaignService::NewStub(stubs().channel);
  v1::CreateCampaignRequest request;
  request.set_parent("studies/s");
  v1::Campaign& campaign = *request.mutable_campaign();
  campaign.mutable_training()->mutable_schedule()->set_peak_rate(0.004);
  v1::CampaignGrid& grid = *campaign.add_grids();
  v1::TrainingModel& shape = *grid.add_models()->mutable_shape();
  shape.set_width(32);
  shape.set_layers(2);
  grid.add_total_tokens(1'000'000);
  grid.set_full_precision(true);
  v1::Campaign created;
  ASSERT_TRUE(Call(*campaigns, &v1::CampaignService::Stub::CreateCampaign, request, &created).ok());
  EXPECT_EQ(created.cost().job_count(), 1);

  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  v1::WatchCampaignRequest watched;
  watched.set_name(created.name());
  const auto reader = campaigns->WatchCampaign(&context, watched);
  v1::WatchCampaignResponse message;
  ASSERT_TRUE(reader->Read(&message));
  EXPECT_FALSE(message.campaign().ended());
  v1::CompleteJobResponse completed;
  ASSERT_TRUE(Complete(Lease().response.job(), &completed).ok());
  while (reader->Read(&message)) {
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_TRUE(message.campaign().ended());
  EXPECT_EQ(message.campaign().flops_done(), created.cost().flops());
}

}  // namespace
}  // namespace bitbudget::integration
