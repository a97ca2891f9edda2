#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "absl/time/clock.h"
#include "tests/e2e/end_to_end.h"

namespace bitbudget {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

using ProgramTest = EndToEndTest;

TEST_F(ProgramTest, WithoutAServerTheExitCodeIsThreeAndTheErrorSaysWhatToDo) {
  const std::string address = server_->address();
  ASSERT_EQ(server_->Stop(), testing::ExitStatus{});
  const testing::Completed completed = Bitbudget("study list");
  EXPECT_EQ(completed.status.code, 3);
  EXPECT_EQ(completed.errors,
            "error: cannot reach bitbudget-server at " + address +
                ": is it running? Start it with: bitbudget-server --database FILE --listen " +
                address + "\n");
}

TEST_F(ProgramTest, TheFlagGoesBeforeTheEnvironmentAndMayFollowTheCommand) {
  const testing::Completed completed = Bitbudget("study list --server 127.0.0.1:1");
  EXPECT_EQ(completed.status.code, 3);
  EXPECT_THAT(completed.errors, HasSubstr("127.0.0.1:1:"));
}

TEST_F(ProgramTest, WhatIsStoredOutlivesTheServer) {
  CreateStudyWithRuns();
  const std::string fit = Json("fit show --study s")["content_hash"];
  ASSERT_EQ(server_->Stop(), testing::ExitStatus{});
  SetUp();
  EXPECT_EQ(Json("fit show --study s")["content_hash"], fit);
}

TEST_F(ProgramTest, TheHelpOpensWithExamplesAndListsTheCommands) {
  const std::string help = Output("--help");
  EXPECT_THAT(help, StartsWith("Examples:\n  bitbudget study create"));
  for (const char* command :
       {"study", "experiments", "fit", "predict", "fraction", "grid", "backup", "completion"}) {
    EXPECT_THAT(help, HasSubstr(std::string("\n  ") + command + " "));
  }
}

TEST_F(ProgramTest, TheHelpOfACommand) {
  EXPECT_EQ(Output("backup --help"), R"(Examples:
  bitbudget backup /var/backups/bitbudget-monday.db

Writes a consistent copy of the whole database while the server goes on working

Usage: bitbudget backup [OPTIONS] file

Positionals:
  file TEXT REQUIRED                New file, on the server's machine

Options:
  -h,--help                         Print this help

Options of all commands: --server, --json, --timeout; see bitbudget --help
)");
}

TEST_F(ProgramTest, TheVersionIsThatOfTheProject) {
  EXPECT_THAT(Output("--version"), MatchesRegex("bitbudget [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(ProgramTest, AnUnknownCommandIsWrongUsageWithASuggestion) {
  const testing::Completed completed = Bitbudget("fractions");
  EXPECT_EQ(completed.status.code, 2);
  EXPECT_EQ(completed.errors,
            "error: bitbudget has no command 'fractions'; did you mean 'fraction'?\n"
            "  see: bitbudget --help\n");
}

TEST_F(ProgramTest, NoCommandIsWrongUsageAndTheErrorListsThem) {
  const testing::Completed completed = Bitbudget("");
  EXPECT_EQ(completed.status.code, 2);
  EXPECT_EQ(completed.errors,
            "error: bitbudget needs a command: study, experiments, fit, laws, predict, fraction, "
            "bits, compare-fp, waste, plan, devices, grid, jobs, campaign, backup, completion\n"
            "  see: bitbudget --help\n");
}

TEST_F(ProgramTest, OutputThatCannotBeWrittenIsAFailure) {
  const absl::StatusOr<testing::Completed> completed =
      testing::Run({"bash", "-c", std::string(BITBUDGET_PROGRAM) + " study list > /dev/full"},
                   {.environment = {"BITBUDGET_SERVER=" + server_->address()}});
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(completed->status.code, 1);
  EXPECT_THAT(completed->errors, HasSubstr("cannot write the output"));
}

TEST_F(ProgramTest, ATimeoutIsObeyed) {
  CreateStudyWithRuns();
  const testing::Completed completed =
      Bitbudget("fit run --study s --starts 10000 --polish 10000 --timeout 0.2");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(
      completed.errors,
      AllOf(HasSubstr("did not answer within 200ms"), HasSubstr("allow more with --timeout")));
}

// Processor time that a process has used, in clock ticks; 0 if it is gone.
int64_t ProcessorTicks(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string field;
  // utime is the 14th field, stime the one after it.
  for (int i = 1; i < 14; ++i) file >> field;
  int64_t user = 0;
  int64_t system = 0;
  file >> user >> system;
  return user + system;
}

TEST_F(ProgramTest, AFitThatTheEndOfTheServerBreaksOffIsToldSo) {
  CreateStudyWithRuns();
  ASSERT_EQ(server_->Stop(), testing::ExitStatus{});
  auto server = testing::ServerProcess::Start(
      BITBUDGET_SERVER_PROGRAM, directory_.File("bitbudget.db"), {"--shutdown-grace", "0.1"});
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  const int64_t idle_ticks = ProcessorTicks(server_->process().id());
  const auto fit = testing::Process::Start(
      {BITBUDGET_PROGRAM, "fit", "run", "--study", "s", "--starts", "10000", "--polish", "10000"},
      {.environment = {"BITBUDGET_SERVER=" + server_->address()}});
  ASSERT_TRUE(fit.ok()) << fit.status();
  // Half a second of work is the fit's.
  const int64_t busy_ticks = idle_ticks + sysconf(_SC_CLK_TCK) / 2;
  for (int i = 0; i < 6000 && ProcessorTicks(server_->process().id()) < busy_ticks; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  ASSERT_GE(ProcessorTicks(server_->process().id()), busy_ticks);
  EXPECT_EQ(server_->Stop(), testing::ExitStatus{});
  EXPECT_EQ((*fit)->Wait(absl::Minutes(1)), testing::ExitStatus{.code = 1});
  EXPECT_THAT((*fit)->Errors(), HasSubstr("the server is shutting down"));
}

TEST_F(ProgramTest, ABackupIsADatabaseOfItsOwn) {
  CreateStudy();
  EXPECT_THAT(Output("backup copy.db"),
              MatchesRegex(directory_.File("copy.db") + ": [.0-9]+[kM]B\n"));
  server_.reset();
  absl::StatusOr<std::unique_ptr<testing::ServerProcess>> server =
      testing::ServerProcess::Start(BITBUDGET_SERVER_PROGRAM, directory_.File("copy.db"));
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  EXPECT_EQ(Json("study show s")["name"], "studies/s");
}

TEST_F(ProgramTest, ABackupOverAFileOrIntoNoDirectoryIsRefused) {
  Write("copy.db", "precious");
  const testing::Completed over = Bitbudget("backup copy.db");
  EXPECT_EQ(over.status.code, 1);
  EXPECT_THAT(over.errors, HasSubstr("copy.db"));
  EXPECT_EQ(Read("copy.db"), "precious");
  const testing::Completed nowhere = Bitbudget("backup none/copy.db");
  EXPECT_EQ(nowhere.status.code, 1);
  EXPECT_THAT(nowhere.errors, HasSubstr("none"));
}

TEST_F(ProgramTest, TheCompletionOfTheRealProgramLoads) {
  const absl::StatusOr<testing::Completed> completed =
      testing::Run({"bash",
                    "-c",
                    std::string("source <(") + BITBUDGET_PROGRAM +
                        " completion bash) && COMP_WORDS=(bitbudget fit re) COMP_CWORD=2 && "
                        "_bitbudget && echo ${COMPREPLY[@]}"});
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(completed->output, "replay\n");
}

}  // namespace
}  // namespace bitbudget
