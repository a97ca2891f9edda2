// bitbudget-train as its users and the agent see it: lines, files, exit codes.

#include <csignal>
#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/process/process.h"
#include "tests/unit/worker/train_fixture.h"

namespace bitbudget::worker {
namespace {

using bitbudget::testing::Completed;
using bitbudget::testing::ExitStatus;
using bitbudget::testing::Process;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Minutes(1);

class ProgramTest : public TrainTest {
 protected:
  // The fixture's tiny job as a file; `changes` are merged into it.
  std::string Config(const json& changes = json::object()) {
    json config = {{"data", data_path()},
                   {"batch_sequences", 4},
                   {"model", {{"width", 32}, {"layers", 1}, {"hidden", 64}, {"context", 32}}},
                   {"schedule",
                    {{"peak_rate", 0.01},
                     {"fp_tokens", 60 * 128},
                     {"qat_tokens", 40 * 128},
                     {"warmup_tokens", 10 * 128}}},
                   {"quantization", {{"bits", 2}}}};
    config.merge_patch(changes);
    WriteFile("config.json", config.dump());
    return PathOf("config.json");
  }

  // `run CONFIG`, reporting every step, and what else is given.
  static std::vector<std::string> Command(const std::string& config,
                                          const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {
        BITBUDGET_TRAIN_PROGRAM, "run", config, "--progress-seconds", "0"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  static Completed Finish(const std::vector<std::string>& command) {
    return *bitbudget::testing::Run(command, {}, kPatience);
  }

  static std::vector<json> Events(const std::string& output) {
    std::vector<json> events;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) events.push_back(json::parse(line));
    return events;
  }

  static json LastEvent(const Completed& completed) { return Events(completed.output).back(); }

  static std::string StepPrefix(int step) {
    return fmt::format(R"({{"event":"progress","step":{},)", step);
  }
};

TEST_F(ProgramTest, RunThatIsNotEvaluatedHasNoLoss) {
  const Completed completed = Finish(Command(Config({{"evaluation_tokens", 0}})));
  EXPECT_EQ(completed.status, ExitStatus{.code = 0}) << completed.errors;
  const json finished = LastEvent(completed);
  EXPECT_EQ(finished["event"], "finished");
  EXPECT_EQ(finished["evaluation_tokens"], 0);
  EXPECT_FALSE(finished["result"].contains("loss_nats"));
  EXPECT_EQ(finished["result"]["qat_tokens"], 40 * 128);
}

TEST_F(ProgramTest, RateThatIsGivenIsNotMeasured) {
  const Completed completed = Finish(Command(Config(), {"--gemm-rate", "1e30"}));
  EXPECT_EQ(Events(completed.output).front()["gemm_flops_per_second"], 1e30);
  EXPECT_LT(LastEvent(completed)["gemm_share"], 1e-6);
}

TEST_F(ProgramTest, TellsItsStoryInJsonLines) {
  const Completed completed = Finish(Command(Config({{"label", "tiny"}})));
  EXPECT_EQ(completed.status, ExitStatus{.code = 0}) << completed.errors;
  const std::vector<json> events = Events(completed.output);
  const json& started = events.front();
  EXPECT_EQ(started["event"], "started");
  EXPECT_EQ(started["label"], "tiny");
  EXPECT_EQ(started["role"], "FP_THEN_QAT");
  EXPECT_EQ(started["recipe"], "learned-log-scale");
  EXPECT_EQ(started["total_tokens"], 100 * 128);
  EXPECT_THAT(started["blas"].get<std::string>(), HasSubstr("OpenBLAS"));
  const json& result = events.back()["result"];
  EXPECT_EQ(events.back()["event"], "finished");
  EXPECT_EQ(result["fp_tokens"], 60 * 128);
  EXPECT_EQ(result["qat_tokens"], 40 * 128);
  EXPECT_EQ(result["weight_bits"], 2);
  EXPECT_EQ(result["parameters"], started["parameters"]);
  EXPECT_GT(result["loss_nats"], 0);
  EXPECT_GT(result["loss_stderr_nats"], 0);
  EXPECT_GT(events.back()["peak_memory_bytes"], 1 << 20);
}

TEST_F(ProgramTest, TellsItsVersion) {
  const Completed completed = Finish({BITBUDGET_TRAIN_PROGRAM, "--version"});
  EXPECT_EQ(completed.status, ExitStatus{.code = 0});
  EXPECT_EQ(completed.output, "bitbudget-train " BITBUDGET_VERSION "\n");
}

// Ten runs, each killed twice at random steps of warm-up, cooldown or QAT phase. A run
// is held at the step, so that the kill comes in time on a busy machine too: at most two
// steps later, for the pipe takes one line and the next one waits. The second kill is
// far enough from the first to lie beyond every checkpoint before it.
TEST_F(ProgramTest, GoesOnAfterKillsToTheSameLoss) {
  const std::string config = Config();
  const json whole = LastEvent(Finish(Command(config)))["result"];
  std::mt19937 random(20);
  for (int round = 0; round < 10; ++round) {
    const std::vector<std::string> command = Command(config,
                                                     {"--resume",
                                                      "--checkpoint-seconds",
                                                      "0.01",
                                                      "--checkpoints",
                                                      PathOf(fmt::format("checkpoints{}", round))});
    const int first = static_cast<int>(1 + random() % 95);
    const int second = static_cast<int>(first + 3 + random() % (96 - first));
    for (const int step : {first, second}) {
      const auto process = *Process::Start(command, {.hold_at = StepPrefix(step)});
      ASSERT_TRUE(process->WaitForLine(StepPrefix(step), kPatience)) << process->Errors();
      process->Signal(SIGKILL);
      ASSERT_EQ(process->Wait(kPatience)->signal, SIGKILL);
    }
    EXPECT_EQ(LastEvent(Finish(command))["result"], whole)
        << "killed after steps " << first << " and " << second;
  }
}

TEST_F(ProgramTest, LeavesACheckpointWhenToldToStop) {
  const std::string config = Config();
  const std::vector<std::string> command = Command(config, {"--checkpoints", PathOf("folder")});
  const auto process = *Process::Start(command, {.hold_at = StepPrefix(1)});
  ASSERT_TRUE(process->WaitForLine(StepPrefix(1), kPatience));
  process->Signal(SIGTERM);
  const auto status = process->Wait(kPatience);
  const std::vector<json> events = Events(process->Output());
  EXPECT_EQ(*status, ExitStatus{.code = 4});
  EXPECT_EQ(events.back()["event"], "interrupted");
  const json& checkpoint = events[events.size() - 2];
  EXPECT_EQ(checkpoint["event"], "checkpoint");
  EXPECT_EQ(checkpoint["path"], PathOf("folder/latest.ckpt"));
  EXPECT_EQ(checkpoint["tokens"], events.back()["tokens"]);

  std::vector<std::string> resume = command;
  resume.emplace_back("--resume");
  const Completed resumed = Finish(resume);
  EXPECT_EQ(Events(resumed.output).front()["start_tokens"], checkpoint["tokens"]);
  EXPECT_EQ(LastEvent(resumed)["result"], LastEvent(Finish(Command(config)))["result"]);
}

TEST_F(ProgramTest, ABranchFromAMilestoneIsTheRunAlone) {
  const std::string trunk = Config({{"schedule", {{"qat_tokens", 0}, {"cooldown_fraction", 0}}},
                                    {"quantization", {{"bits", 16}}},
                                    {"milestone_tokens", {20 * 128}}});
  const Completed trained = Finish(Command(trunk, {"--checkpoints", PathOf("trunk")}));
  EXPECT_EQ(trained.status, ExitStatus{.code = 0}) << trained.errors;
  const std::string milestone = PathOf("trunk/milestone-2560.ckpt");
  EXPECT_TRUE(std::filesystem::exists(milestone));
  const json alone = LastEvent(Finish(Command(Config())))["result"];
  const Completed branch = Finish(Command(Config({{"start_checkpoint", milestone}})));
  EXPECT_EQ(Events(branch.output).front()["start_tokens"], 2560);
  EXPECT_EQ(LastEvent(branch)["result"], alone);
}

TEST_F(ProgramTest, DivergenceIsAnOutcomeOfItsOwn) {
  const Completed completed =
      Finish(Command(Config({{"schedule", {{"peak_rate", 1}, {"warmup_tokens", 0}}},
                             {"optimizer", {{"weight_decay", 1e30}}}})));
  EXPECT_EQ(completed.status, ExitStatus{.code = 3});
  EXPECT_EQ(LastEvent(completed)["event"], "diverged");
}

TEST_F(ProgramTest, AFailureSaysWhatIsWrongAndExitsWithOne) {
  const Completed completed = Finish(Command(Config({{"quantization", {{"bits", 2.5}}}})));
  EXPECT_EQ(completed.status, ExitStatus{.code = 1});
  const json event = LastEvent(completed);
  EXPECT_EQ(event["event"], "failed");
  EXPECT_EQ(event["code"], "INVALID_ARGUMENT");
  EXPECT_EQ(event["reason"], "INVALID_FIELD");
  EXPECT_THAT(event["message"].get<std::string>(), HasSubstr("quantization.bits"));
  EXPECT_EQ(Finish(Command(PathOf("absent.json"))).status, ExitStatus{.code = 1});
}

TEST_F(ProgramTest, AWrongCommandLineExitsWithTwo) {
  EXPECT_EQ(Finish({BITBUDGET_TRAIN_PROGRAM}).status, ExitStatus{.code = 2});
  EXPECT_EQ(Finish({BITBUDGET_TRAIN_PROGRAM, "run", "--unknown"}).status, ExitStatus{.code = 2});
}

TEST_F(ProgramTest, ADamagedCheckpointIsRefused) {
  WriteFile("folder/latest.ckpt", "BBCKPT1\nand then nothing of use, at some length");
  const Completed completed =
      Finish(Command(Config(), {"--checkpoints", PathOf("folder"), "--resume"}));
  EXPECT_EQ(completed.status, ExitStatus{.code = 1});
  EXPECT_EQ(LastEvent(completed)["code"], "DATA_LOSS");
}

// A limit of 10 kB a file stands in for a full disk.
TEST_F(ProgramTest, AFullDiskCostsTheMilestoneButNotTheResult) {
  const auto limited = [&](const std::string& config) {
    std::vector<std::string> command = {"/bin/bash", "-c", "ulimit -f 10; exec \"$@\"", "limited"};
    for (const std::string& word : Command(config, {"--checkpoints", PathOf("folder")})) {
      command.push_back(word);
    }
    return Finish(command);
  };
  const Completed plain = limited(Config());
  EXPECT_EQ(plain.status, ExitStatus{.code = 0});
  EXPECT_THAT(plain.output, HasSubstr(R"({"event":"warning","message":"cannot write)"));
  EXPECT_EQ(LastEvent(plain)["event"], "finished");

  const Completed trunk = limited(Config({{"milestone_tokens", {128}}}));
  EXPECT_EQ(trunk.status, ExitStatus{.code = 1});
  EXPECT_EQ(LastEvent(trunk)["code"], "RESOURCE_EXHAUSTED");
}

TEST_F(ProgramTest, DrawsABarAndACurveForPeople) {
  const Completed completed = Finish(Command(Config(), {"--format", "terminal"}));
  EXPECT_EQ(completed.status, ExitStatus{.code = 0});
  EXPECT_THAT(completed.output, HasSubstr("########"));
  EXPECT_THAT(completed.output, HasSubstr("█"));
  EXPECT_THAT(completed.output, HasSubstr("nats a token"));
}

}  // namespace
}  // namespace bitbudget::worker
