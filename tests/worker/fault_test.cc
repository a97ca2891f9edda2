// What can befall a worker, one by one: each ends in a clear outcome, and the
// agent goes on.

#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "absl/time/clock.h"
#include "tests/worker/worker_fixture.h"

namespace bitbudget::testing {
namespace {

// Long enough to be hit, some seconds.
constexpr int64_t kLong = 4'000'000;
// For it to end, also on a machine that has much else to do.
constexpr absl::Duration kPatience = absl::Minutes(3);
constexpr int64_t kEndless = 40 * kLong;
constexpr int64_t kShort = 20'000;

class WorkerFaultTest : public WorkerTest {
 protected:
  // Waits until the agent's trainer has left a checkpoint.
  void WaitForCheckpoint(const std::string& agent, const v1::Job& job) {
    const std::string path = LatestCheckpoint(agent, job);
    const absl::Time deadline = absl::Now() + absl::Minutes(1);
    while (!std::filesystem::exists(path) && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(20));
    }
    ASSERT_TRUE(std::filesystem::exists(path)) << path;
  }

  std::string LatestCheckpoint(const std::string& agent, const v1::Job& job) const {
    return fmt::format(
        "{}/jobs/{}/checkpoints/latest.ckpt", WorkDirectory(agent), job.training_hash());
  }

  // The loss of the same training, undisturbed.
  double UndisturbedLoss(const v1::TrainingSpec& training) {
    const auto agent = StartAgent("undisturbed");
    const v1::Job job = WaitForState(CreateJob(training).name(), v1::SUCCEEDED);
    return LossOf(job);
  }

  double LossOf(const v1::Job& job) {
    v1::GetExperimentRequest request;
    request.set_name(job.experiment());
    const auto experiment = client().GetExperiment(request);
    EXPECT_TRUE(experiment.ok()) << experiment.status();
    return experiment.ok() ? experiment->loss_nats() : 0;
  }

  static void ExpectCleanEnd(Process& agent) {
    const auto end = agent.Wait(absl::Minutes(1));
    ASSERT_TRUE(end) << agent.Errors();
    EXPECT_EQ(*end, (ExitStatus{0, 0})) << agent.Errors();
  }
};

TEST_F(WorkerFaultTest, DrainingGivesTheJobBackWithItsCheckpoint) {
  const auto agent = StartAgent("a");
  const v1::Job job = CreateJob(SmallTraining(1, kLong));
  WaitForCheckpoint("a", job);
  agent->Signal(SIGTERM);
  ExpectCleanEnd(*agent);
  const v1::Job released = Job(job.name());
  EXPECT_EQ(released.state(), v1::QUEUED);
  EXPECT_EQ(released.failure_count(), 0);
  EXPECT_EQ(released.lost_count(), 0);
  EXPECT_TRUE(std::filesystem::exists(LatestCheckpoint("a", job)));
}

TEST_F(WorkerFaultTest, AnIdleAgentDrainsAtOnce) {
  const auto agent = StartAgent("a");
  WaitForState(CreateJob(SmallTraining(1, kShort)).name(), v1::SUCCEEDED);
  agent->Signal(SIGTERM);
  ExpectCleanEnd(*agent);
}

TEST_F(WorkerFaultTest, AnAgentWithNothingToDoLeavesWhenTold) {
  const auto agent = StartAgent("a", {"--idle-exit", "1s"});
  ExpectCleanEnd(*agent);
}

TEST_F(WorkerFaultTest, TheServerCanDrainAWorker) {
  const auto agent = StartAgent("a");
  v1::TrainingSpec training = SmallTraining(1, kEndless);
  training.set_max_epochs(1e6);
  const v1::Job job = CreateJob(training);
  WaitForCheckpoint("a", job);
  v1::DrainWorkerRequest request;
  request.set_worker("a");
  ASSERT_TRUE(client().DrainWorker(request).ok());
  ExpectCleanEnd(*agent);
  EXPECT_EQ(Job(job.name()).state(), v1::QUEUED);
}

TEST_F(WorkerFaultTest, ARestartedAgentGoesOnFromTheCheckpointWithTheSameResult) {
  const v1::TrainingSpec training = SmallTraining(1, kLong);
  auto agent = StartAgent("a");
  const v1::Job job = CreateJob(training);
  WaitForCheckpoint("a", job);
  agent->Signal(SIGKILL);
  ASSERT_TRUE(agent->Wait(absl::Minutes(1)));
  agent = StartAgent("a");
  const v1::Job done = WaitForState(job.name(), v1::SUCCEEDED);
  EXPECT_EQ(done.lost_count(), 1);
  EXPECT_EQ(agent->Errors().find("from_tokens=0"), std::string::npos) << agent->Errors();
  agent->Signal(SIGTERM);
  ExpectCleanEnd(*agent);
  // The stored experiment frees its key, so that the same run can be stored again.
  v1::ExcludeExperimentsRequest exclude;
  exclude.set_parent(study());
  exclude.add_names(done.experiment());
  exclude.set_reason("to be measured again");
  ASSERT_TRUE(client().ExcludeExperiments(std::move(exclude)).ok());
  EXPECT_EQ(LossOf(done), UndisturbedLoss(training));
}

TEST_F(WorkerFaultTest, ACorruptCheckpointCostsTimeAndNothingElse) {
  auto agent = StartAgent("a");
  const v1::Job job = CreateJob(SmallTraining(1, kLong));
  WaitForCheckpoint("a", job);
  agent->Signal(SIGTERM);
  ExpectCleanEnd(*agent);
  std::filesystem::resize_file(LatestCheckpoint("a", job), 100);
  agent = StartAgent("a");
  const v1::Job done = WaitForState(job.name(), v1::SUCCEEDED);
  EXPECT_EQ(done.failure_count(), 0);
  EXPECT_NE(agent->Errors().find("training anew"), std::string::npos) << agent->Errors();
}

TEST_F(WorkerFaultTest, ABranchWithoutItsCheckpointTrainsFromTheFirstToken) {
  v1::TrainingSpec trunk = SmallTraining(1, kShort / 128 * 128);
  trunk.mutable_schedule()->set_cooldown_fraction(0);
  trunk.add_milestone_tokens(12'800);
  v1::CreateJobRequest request;
  request.set_parent(study());
  request.mutable_job()->set_kind(v1::TRUNK);
  *request.mutable_job()->mutable_training() = trunk;
  const auto trunk_job = client().CreateJob(request);
  ASSERT_TRUE(trunk_job.ok()) << trunk_job.status();
  const auto agent = StartAgent("a");
  const v1::Job done = WaitForState(trunk_job->name(), v1::SUCCEEDED);
  ASSERT_EQ(done.checkpoints_size(), 1);
  std::filesystem::remove(done.checkpoints(0).path());

  v1::CreateJobRequest branch;
  branch.set_parent(study());
  *branch.mutable_job()->mutable_training() = SmallTraining(1, 25'600);
  branch.mutable_job()->add_dependencies(done.name());
  branch.mutable_job()->set_start_job(done.name());
  branch.mutable_job()->set_start_tokens(12'800);
  const auto branch_job = client().CreateJob(std::move(branch));
  ASSERT_TRUE(branch_job.ok()) << branch_job.status();
  const v1::Job measured = WaitForState(branch_job->name(), v1::SUCCEEDED);
  EXPECT_EQ(measured.statistics().reused_tokens(), 0);
  EXPECT_NE(agent->Errors().find("training from the first token"), std::string::npos);
}

TEST_F(WorkerFaultTest, AKilledTrainerIsATransientFailure) {
  const auto agent = StartAgent("a");
  const v1::Job job = CreateJob(SmallTraining(1, kLong));
  WaitForCheckpoint("a", job);
  ASSERT_NE(TrainerOf(*agent), 0);
  kill(TrainerOf(*agent), SIGKILL);
  const v1::Job done = WaitForState(job.name(), v1::SUCCEEDED);
  EXPECT_EQ(done.failure_count(), 1);
  EXPECT_EQ(done.failure().kind(), v1::JobFailure::TRANSIENT);
  EXPECT_NE(done.failure().message().find("signal 9"), std::string::npos);
}

TEST_F(WorkerFaultTest, AKilledAgentLeavesNoTrainerBehind) {
  const auto agent = StartAgent("a");
  const v1::Job job = CreateJob(SmallTraining(1, kLong));
  WaitForCheckpoint("a", job);
  const pid_t trainer = TrainerOf(*agent);
  ASSERT_NE(trainer, 0);
  agent->Signal(SIGKILL);
  ASSERT_TRUE(agent->Wait(absl::Minutes(1)));
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  // An orphan is taken on, and waited for, by the process that adopts it.
  const std::string self = fmt::format("/proc/{}/exe", trainer);
  std::error_code gone;
  while (!gone && absl::Now() < deadline) {
    (void)std::filesystem::read_symlink(self, gone);
    absl::SleepFor(absl::Milliseconds(20));
  }
  EXPECT_TRUE(gone);
}

TEST_F(WorkerFaultTest, ADivergedRunFailsWithoutRetry) {
  v1::TrainingSpec training = SmallTraining(1, kLong);
  training.mutable_schedule()->set_peak_rate(1);
  training.mutable_schedule()->set_warmup_tokens(0);
  training.mutable_optimizer()->set_weight_decay(1e30);
  const auto agent = StartAgent("a");
  const v1::Job failed = WaitForState(CreateJob(training).name(), v1::FAILED);
  EXPECT_EQ(failed.attempt(), 1);
  EXPECT_EQ(v1::JobFailure::Kind_Name(failed.failure().kind()), "DIVERGED");
  WaitForState(CreateJob(SmallTraining(2, kShort)).name(), v1::SUCCEEDED);
}

// Weights that double at every step leave a loss that is finite and no measurement.
TEST_F(WorkerFaultTest, ARunawayLossHasDivergedToo) {
  v1::TrainingSpec training = SmallTraining(1, kShort);
  training.mutable_schedule()->set_peak_rate(1);
  training.mutable_schedule()->set_cooldown_fraction(0);
  training.mutable_optimizer()->set_weight_decay(2.1);
  const auto agent = StartAgent("a");
  const v1::Job failed = WaitForState(CreateJob(training).name(), v1::FAILED);
  EXPECT_EQ(v1::JobFailure::Kind_Name(failed.failure().kind()), "DIVERGED");
  EXPECT_TRUE(Experiments().empty());
}

TEST_F(WorkerFaultTest, ATrainerThatHangsIsEnded) {
  const std::string silent = File("silent");
  std::ofstream(silent) << "#!/bin/sh\nexec sleep 600\n";
  std::filesystem::permissions(silent, std::filesystem::perms::owner_all);
  const auto agent = StartAgent("a", {"--trainer", silent, "--stall-limit", "1s"});
  const v1::Job failed = WaitForState(CreateJob(SmallTraining(1, kShort)).name(), v1::FAILED);
  EXPECT_EQ(v1::JobFailure::Kind_Name(failed.failure().kind()), "TRANSIENT");
  EXPECT_NE(failed.failure().message().find("said nothing for 1s"), std::string::npos)
      << failed.failure().message();
  agent->Signal(SIGTERM);
  ExpectCleanEnd(*agent);
}

TEST_F(WorkerFaultTest, AJobThatCannotBeRunFailsWithoutRetry) {
  v1::TrainingSpec training = SmallTraining(1, kLong);
  training.set_max_epochs(1);
  training.mutable_schedule()->set_fp_tokens(100 * kLong);
  const auto agent = StartAgent("a");
  const v1::Job failed = WaitForState(CreateJob(training).name(), v1::FAILED);
  EXPECT_EQ(failed.attempt(), 1);
  EXPECT_EQ(v1::JobFailure::Kind_Name(failed.failure().kind()), "INVALID");
  EXPECT_NE(failed.failure().message().find("max_epochs"), std::string::npos);
  WaitForState(CreateJob(SmallTraining(2, kShort)).name(), v1::SUCCEEDED);
}

TEST_F(WorkerFaultTest, ACancelledJobIsLeftAndTheNextOneTaken) {
  const auto agent = StartAgent("a");
  const v1::Job job = CreateJob(SmallTraining(1, 100 * kLong));
  WaitForCheckpoint("a", job);
  v1::CancelJobRequest request;
  request.set_name(job.name());
  ASSERT_TRUE(client().CancelJob(request).ok());
  WaitForState(CreateJob(SmallTraining(2, kShort)).name(), v1::SUCCEEDED);
  EXPECT_EQ(Job(job.name()).state(), v1::CANCELLED);
  agent->Signal(SIGTERM);
  ASSERT_TRUE(agent->Wait(kPatience));
  EXPECT_NE(agent->Errors().find("stopped by the server job=" + job.name()), std::string::npos);
}

TEST_F(WorkerFaultTest, ResultsOutliveTheServersAbsence) {
  const auto agent = StartAgent("a");
  const v1::Job job = CreateJob(SmallTraining(1, kLong));
  WaitForCheckpoint("a", job);
  ASSERT_NO_FATAL_FAILURE(KillServer());
  const std::string results = WorkDirectory("a") + "/results";
  const absl::Time deadline = absl::Now() + kPatience;
  while (std::filesystem::is_empty(results) && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(50));
  }
  ASSERT_FALSE(std::filesystem::is_empty(results)) << agent->Errors();
  ASSERT_NO_FATAL_FAILURE(StartServer());
  const v1::Job done = WaitForState(job.name(), v1::SUCCEEDED);
  EXPECT_EQ(done.attempt(), 1);
}

TEST_F(WorkerFaultTest, TheNextAgentDeliversWhatTheLastCouldNot) {
  auto agent = StartAgent("a");
  const v1::Job job = CreateJob(SmallTraining(1, kLong));
  WaitForCheckpoint("a", job);
  ASSERT_NO_FATAL_FAILURE(KillServer());
  const std::string results = WorkDirectory("a") + "/results";
  const absl::Time deadline = absl::Now() + kPatience;
  while (std::filesystem::is_empty(results) && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(50));
  }
  agent->Signal(SIGKILL);
  ASSERT_TRUE(agent->Wait(absl::Minutes(1)));
  ASSERT_NO_FATAL_FAILURE(StartServer());
  agent = StartAgent("a");
  WaitForState(job.name(), v1::SUCCEEDED);
  ExpectEachMeasuredOnce();
}

TEST_F(WorkerFaultTest, ASecondAgentOnAWorkDirectoryIsRefused) {
  const auto agent = StartAgent("a");
  WaitForState(CreateJob(SmallTraining(1, kShort)).name(), v1::SUCCEEDED);
  const auto second = StartAgent("a");
  const auto end = second->Wait(absl::Minutes(1));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 1);
  EXPECT_NE(second->Errors().find("held by another process"), std::string::npos);
}

TEST_F(WorkerFaultTest, TwoAgentsOfOneNameDoNoHarm) {
  const auto first = StartAgent("a");
  const auto second = StartAgent("b", {}, "a");
  CreateCampaign("c", 0, 2);
  WaitForCampaign("c", absl::Minutes(2));
  ExpectEachMeasuredOnce();
}

}  // namespace
}  // namespace bitbudget::testing
