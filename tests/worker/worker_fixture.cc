#include "tests/worker/worker_fixture.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "absl/time/clock.h"

namespace bitbudget::testing {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);
constexpr absl::Duration kPoll = absl::Milliseconds(50);
constexpr std::string_view kListening = "bitbudget-server listening on ";

// Where bitbudget-train is: the environment goes before the build.
std::string Trainer() {
  const char* const variable = std::getenv("BITBUDGET_TRAIN");
  return variable != nullptr && *variable != '\0' ? variable : BITBUDGET_TRAIN_PROGRAM;
}

// Text of a few words, in which a model finds something to learn.
std::string Text() {
  static constexpr const char* kWords[] = {"the",
                                           "loss",
                                           "of",
                                           "a",
                                           "small",
                                           "model",
                                           "falls",
                                           "with",
                                           "tokens",
                                           "and",
                                           "bits",
                                           "slowly"};
  std::mt19937 random(1);
  std::string text;
  while (text.size() < 600'000) {
    text += kWords[random() % std::size(kWords)];
    text += random() % 9 == 0 ? ".\n" : " ";
  }
  return text;
}

v1::TrainingModel SmallModel() {
  v1::TrainingModel model;
  model.set_width(16);
  model.set_layers(1);
  model.set_context(16);
  return model;
}

}  // namespace

v1::TrainingSpec SmallTraining(int seed, int64_t tokens) {
  v1::TrainingSpec training;
  training.set_seed(seed);
  *training.mutable_model() = SmallModel();
  training.mutable_schedule()->set_peak_rate(0.01);
  training.mutable_schedule()->set_fp_tokens(tokens);
  training.mutable_schedule()->set_warmup_tokens(1'280);
  training.set_evaluation_tokens(4'096);
  training.set_max_epochs(1'000);
  return training;
}

void WorkerTest::SetUp() {
  if (access(Trainer().c_str(), X_OK) != 0) {
    GTEST_SKIP() << "no training program at " << Trainer()
                 << "; build it with preset worker, or name it in BITBUDGET_TRAIN";
  }
  StartServer();
  v1::CreateStudyRequest request;
  request.set_study_id("small");
  request.mutable_study()->set_law("compute_optimal_qat");
  request.mutable_study()->set_loss_unit(v1::NATS_PER_BYTE);
  request.mutable_study()->set_parameter_convention(v1::NON_EMBEDDING);
  const auto created = client().CreateStudy(std::move(request));
  ASSERT_TRUE(created.ok()) << created.status();
  std::ofstream(File("text.txt")) << Text();
  const auto prepared = testing::Run({Trainer(),
                                      "prepare",
                                      "--vocabulary",
                                      "128",
                                      "--output",
                                      File("tokens.bin"),
                                      File("text.txt")});
  ASSERT_TRUE(prepared.ok()) << prepared.status();
  ASSERT_EQ(prepared->status, (ExitStatus{0, 0})) << prepared->errors;
}

void WorkerTest::StartServer() {
  auto server = Process::Start({BITBUDGET_SERVER_PROGRAM,
                                "--database",
                                File("bitbudget.db"),
                                "--listen",
                                address_.empty() ? "127.0.0.1:0" : address_});
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  const auto line = server_->WaitForLine(kListening, kPatience);
  ASSERT_TRUE(line) << server_->Errors();
  if (!address_.empty()) return;
  address_ = line->substr(kListening.size());
  auto client = client::Client::Connect(address_);
  ASSERT_TRUE(client.ok()) << client.status();
  client_ = *std::move(client);
}

void WorkerTest::KillServer() {
  server_->Signal(SIGKILL);
  ASSERT_TRUE(server_->Wait(kPatience));
}

std::unique_ptr<Process> WorkerTest::StartAgent(const std::string& folder,
                                                const std::vector<std::string>& arguments,
                                                std::string name) const {
  std::vector<std::string> command = {BITBUDGET_WORKER_PROGRAM,
                                      "--server",
                                      address_,
                                      "--name",
                                      name.empty() ? folder : std::move(name),
                                      "--study",
                                      "small",
                                      "--data",
                                      File("tokens.bin"),
                                      "--work-directory",
                                      WorkDirectory(folder),
                                      "--lease",
                                      "5s",
                                      "--checkpoint-interval",
                                      "0.2s"};
  if (std::find(arguments.begin(), arguments.end(), "--trainer") == arguments.end()) {
    command.insert(command.end(), {"--trainer", Trainer()});
  }
  command.insert(command.end(), arguments.begin(), arguments.end());
  auto agent = Process::Start(std::move(command));
  EXPECT_TRUE(agent.ok()) << agent.status();
  return agent.ok() ? *std::move(agent) : nullptr;
}

pid_t WorkerTest::TrainerOf(const Process& agent) {
  std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", agent.id()));
  pid_t child = 0;
  children >> child;
  return child;
}

v1::Job WorkerTest::CreateJob(const v1::TrainingSpec& training) {
  v1::CreateJobRequest request;
  request.set_parent(study_);
  *request.mutable_job()->mutable_training() = training;
  const auto job = client().CreateJob(std::move(request));
  EXPECT_TRUE(job.ok()) << job.status();
  return job.ok() ? *job : v1::Job();
}

v1::Job WorkerTest::Job(const std::string& name) {
  v1::GetJobRequest request;
  request.set_name(name);
  const auto job = client().GetJob(request);
  EXPECT_TRUE(job.ok()) << job.status();
  return job.ok() ? *job : v1::Job();
}

v1::Job WorkerTest::WaitForState(const std::string& name,
                                 v1::JobState state,
                                 absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  v1::Job job = Job(name);
  while (job.state() != state && absl::Now() < deadline) {
    absl::SleepFor(kPoll);
    job = Job(name);
  }
  EXPECT_EQ(v1::JobState_Name(job.state()), v1::JobState_Name(state)) << job.failure().message();
  return job;
}

v1::Campaign WorkerTest::CreateCampaign(const std::string& id,
                                        int first_replicate,
                                        int replicates) {
  v1::CreateCampaignRequest request;
  request.set_parent(study_);
  request.set_campaign_id(id);
  v1::TrainingSpec& training = *request.mutable_campaign()->mutable_training();
  training = SmallTraining(0, 0);
  training.clear_model();
  v1::CampaignGrid& grid = *request.mutable_campaign()->add_grids();
  *grid.add_models()->mutable_shape() = SmallModel();
  grid.add_total_tokens(200'000);
  for (const double fraction : {0.25, 0.5}) grid.add_qat_fractions(fraction);
  for (const double bits : {2, 16}) grid.add_weight_bits(bits);
  grid.set_first_replicate(first_replicate);
  grid.set_replicates(replicates);
  const auto campaign = client().CreateCampaign(std::move(request));
  EXPECT_TRUE(campaign.ok()) << campaign.status();
  return campaign.ok() ? *campaign : v1::Campaign();
}

v1::Campaign WorkerTest::Campaign(const std::string& id) {
  v1::GetCampaignRequest request;
  request.set_name(fmt::format("{}/campaigns/{}", study_, id));
  const auto campaign = client().GetCampaign(request);
  EXPECT_TRUE(campaign.ok()) << campaign.status();
  return campaign.ok() ? *campaign : v1::Campaign();
}

void WorkerTest::WaitForCampaign(const std::string& id, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!Campaign(id).ended() && absl::Now() < deadline) absl::SleepFor(kPoll);
  EXPECT_TRUE(Campaign(id).ended()) << Campaign(id).DebugString();
}

std::vector<v1::Job> WorkerTest::Jobs() {
  std::vector<v1::Job> jobs;
  v1::ListJobsRequest request;
  request.set_parent(study_);
  do {
    const auto page = client().ListJobs(request);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) break;
    jobs.insert(jobs.end(), page->jobs().begin(), page->jobs().end());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return jobs;
}

std::vector<v1::Experiment> WorkerTest::Experiments() {
  std::vector<v1::Experiment> experiments;
  v1::ListExperimentsRequest request;
  request.set_parent(study_);
  do {
    const auto page = client().ListExperiments(request);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) break;
    experiments.insert(experiments.end(), page->experiments().begin(), page->experiments().end());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return experiments;
}

void WorkerTest::ExpectEachMeasuredOnce() {
  std::map<std::string, int> counted;  // experiments that no mark excludes
  for (const v1::Experiment& experiment : Experiments()) {
    if (experiment.exclude_reason().empty()) ++counted[experiment.name()];
  }
  std::set<std::string> measured;
  for (const v1::Job& job : Jobs()) {
    EXPECT_EQ(v1::JobState_Name(job.state()), "SUCCEEDED")
        << job.name() << ": " << job.failure().message();
    if (job.kind() != v1::MEASUREMENT) continue;
    EXPECT_EQ(counted[job.experiment()], 1) << job.name() << ": " << job.experiment();
    EXPECT_TRUE(measured.insert(job.experiment()).second) << job.experiment();
  }
  EXPECT_EQ(counted.size(), measured.size());
}

}  // namespace bitbudget::testing
