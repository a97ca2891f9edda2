#include "worker/agent/trainer_process.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/process/process.h"
#include "worker/agent/work_directory.h"

namespace bitbudget::agent {
namespace {

class TrainerProcessTest : public ::testing::Test {
 protected:
  // A trainer that is a shell script.
  std::unique_ptr<TrainerProcess> Start(const std::string& script, int lock = -1) {
    auto process = TrainerProcess::Start({.arguments = {"/bin/sh", "-c", script},
                                          .error_file = directory_.File("errors"),
                                          .lock = lock});
    EXPECT_TRUE(process.ok()) << process.status();
    return process.ok() ? *std::move(process) : nullptr;
  }

  static std::vector<std::string> AllLines(TrainerProcess& process) {
    std::vector<std::string> lines;
    while (!process.output_ended()) {
      if (auto line = process.ReadLine(absl::Seconds(10))) lines.push_back(*std::move(line));
    }
    return lines;
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(TrainerProcessTest, LinesComeOneByOne) {
  const auto process = Start("printf 'one\\ntwo\\nthr'; printf 'ee\\n'");
  EXPECT_EQ(AllLines(*process), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(TrainerProcessTest, TheExitCodeIsTold) {
  const auto process = Start("exit 3");
  AllLines(*process);
  const TrainerEnd end = process->Wait();
  EXPECT_EQ(end.code, 3);
  EXPECT_EQ(end.signal, 0);
}

TEST_F(TrainerProcessTest, TheSignalThatEndedItIsTold) {
  const auto process = Start("kill -SEGV $$");
  AllLines(*process);
  const TrainerEnd end = process->Wait();
  EXPECT_EQ(end.code, -1);
  EXPECT_EQ(end.signal, SIGSEGV);
}

TEST_F(TrainerProcessTest, StandardErrorGoesToAFile) {
  const auto process = Start("echo trouble >&2");
  AllLines(*process);
  process->Wait();
  std::ifstream file(directory_.File("errors"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "trouble\n");
}

TEST_F(TrainerProcessTest, TerminateLetsItEndByItself) {
  const auto process = Start("trap 'exit 4' TERM; echo ready; while true; do sleep 0.05; done");
  ASSERT_EQ(process->ReadLine(absl::Seconds(10)), "ready");
  process->Terminate(absl::Seconds(30));
  AllLines(*process);
  EXPECT_EQ(process->Wait().code, 4);
}

TEST_F(TrainerProcessTest, WhatDoesNotEndWithinItsGraceIsKilled) {
  const auto process = Start("trap '' TERM; echo ready; while true; do sleep 0.05; done");
  ASSERT_EQ(process->ReadLine(absl::Seconds(10)), "ready");
  process->Terminate(absl::Milliseconds(1));
  while (!process->output_ended()) process->ReadLine(absl::Milliseconds(20));
  EXPECT_EQ(process->Wait().signal, SIGKILL);
}

TEST_F(TrainerProcessTest, VariablesThatForceKernelsAreTakenAway) {
  setenv("OPENBLAS_CORETYPE", "Prescott", 1);
  const auto process = Start("echo \"[$OPENBLAS_CORETYPE]\"");
  unsetenv("OPENBLAS_CORETYPE");
  EXPECT_EQ(AllLines(*process), std::vector<std::string>{"[]"});
}

TEST_F(TrainerProcessTest, TheFolderStaysLockedWhileTheTrainerLives) {
  const std::string path = directory_.File("lock");
  auto lock = FileLock::Take(path, absl::ZeroDuration());
  ASSERT_TRUE(lock.ok());
  const auto process = Start("echo ready; sleep 60", (*lock)->descriptor());
  ASSERT_EQ(process->ReadLine(absl::Seconds(10)), "ready");
  lock->reset();
  EXPECT_EQ(FileLock::Take(path, absl::ZeroDuration()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  process->Kill();
  AllLines(*process);
  process->Wait();
  EXPECT_TRUE(FileLock::Take(path, absl::Seconds(10)).ok());
}

TEST_F(TrainerProcessTest, AProgramThatIsNotThereIsAnError) {
  EXPECT_EQ(TrainerProcess::Start(
                {.arguments = {directory_.File("none")}, .error_file = directory_.File("errors")})
                .status()
                .code(),
            absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace bitbudget::agent
