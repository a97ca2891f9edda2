// Starting, configuring and ending the server.

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "tests/integration/integration_fixture.h"

namespace bitbudget::integration {
namespace {

using testing::Completed;
using testing::ExitStatus;
using ::testing::HasSubstr;
using testing::ProcessOptions;
using testing::Run;
using ::testing::StartsWith;

// Wire form of grpc.health.v1: a request names a service in field 1, a response
// has its status in field 1, 1 for SERVING and 2 for NOT_SERVING.
constexpr char kHealthCheck[] = "/grpc.health.v1.Health/Check";
constexpr char kServing[] = "\x08\x01";

std::string HealthRequest(const std::string& service) {
  return service.empty() ? ""
                         : "\x0a" + std::string(1, static_cast<char>(service.size())) + service;
}

Completed RunServer(std::vector<std::string> arguments, const ProcessOptions& options = {}) {
  arguments.insert(arguments.begin(), BITBUDGET_SERVER_PROGRAM);
  const absl::StatusOr<Completed> run = Run(std::move(arguments), options);
  EXPECT_TRUE(run.ok()) << run.status();
  return run.value_or(Completed());
}

class Lifecycle : public IntegrationTest {};

TEST_F(Lifecycle, FreePortIsPrinted) {
  StartServer();
  EXPECT_THAT(server().address(), StartsWith("127.0.0.1:"));
  EXPECT_NE(server().address(), "127.0.0.1:0");
  StopServer();
}

TEST_F(Lifecycle, EveryServiceIsHealthy) {
  StartServer();
  for (const char* service : {"",
                              "bitbudget.v1.StudyService",
                              "bitbudget.v1.ExperimentService",
                              "bitbudget.v1.FitService",
                              "bitbudget.v1.PlannerService"}) {
    const RawReply reply = CallRaw(*stubs().channel, kHealthCheck, HealthRequest(service));
    ASSERT_TRUE(reply.status.ok()) << service << ": " << reply.status.error_message();
    EXPECT_EQ(reply.bytes, kServing) << service;
  }
  EXPECT_EQ(CallRaw(*stubs().channel, kHealthCheck, HealthRequest("none")).status.error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(Lifecycle, ReflectionListsTheServices) {
  StartServer();
  grpc::GenericStub stub(stubs().channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  stream->StartCall(nullptr);
  ASSERT_TRUE(wait());
  // ServerReflectionRequest.list_services, field 7, empty.
  const grpc::Slice request(std::string("\x3a\x00", 2));
  stream->WriteLast(grpc::ByteBuffer(&request, 1), grpc::WriteOptions(), nullptr);
  ASSERT_TRUE(wait());
  grpc::ByteBuffer response;
  stream->Read(&response, nullptr);
  ASSERT_TRUE(wait());
  grpc::Slice bytes;
  ASSERT_TRUE(response.TrySingleSlice(&bytes).ok());
  const std::string text(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  for (const char* service : {"bitbudget.v1.StudyService",
                              "bitbudget.v1.ExperimentService",
                              "bitbudget.v1.FitService",
                              "bitbudget.v1.PlannerService",
                              "grpc.health.v1.Health"}) {
    EXPECT_THAT(text, HasSubstr(service));
  }
  context.TryCancel();
  grpc::Status status;
  stream->Finish(&status, nullptr);
  wait();
}

TEST_F(Lifecycle, SecondServerOnTheSameDatabaseIsRefused) {
  StartServer();
  const Completed second = RunServer({"--database", Database(), "--listen", "127.0.0.1:0"});
  EXPECT_EQ(second.status, (ExitStatus{.code = 1}));
  EXPECT_THAT(second.errors, HasSubstr(Database()));
}

TEST_F(Lifecycle, SecondServerOnTheSamePortIsRefused) {
  StartServer();
  const Completed second =
      RunServer({"--database", File("other.db"), "--listen", server().address()});
  EXPECT_EQ(second.status, (ExitStatus{.code = 1}));
  EXPECT_THAT(second.errors, HasSubstr(server().address()));
  EXPECT_FALSE(std::filesystem::exists(File("other.db.lock")));
}

TEST_F(Lifecycle, AddressOtherMachinesCouldReachIsRefused) {
  for (const char* address : {"0.0.0.0:0", "192.168.1.1:7411", "[::]:0", "example.com:80"}) {
    const Completed run = RunServer({"--database", Database(), "--listen", address});
    EXPECT_EQ(run.status, (ExitStatus{.code = 2})) << address;
    EXPECT_THAT(run.errors, HasSubstr("loopback")) << address;
  }
}

TEST_F(Lifecycle, HttpAddressBeyondLoopbackIsRefused) {
  EXPECT_EQ(RunServer({"--http", "0.0.0.0:7410", "--print-config"}).status,
            (ExitStatus{.code = 2}));
  EXPECT_EQ(RunServer({"--http", "none", "--print-config"}).status, (ExitStatus{.code = 0}));
}

TEST_F(Lifecycle, FlagsOutdoEnvironmentOutdoesFile) {
  std::ofstream(File("c.toml"))
      << "request-threads = 10\nmax-page-count = 20\nlog-level = \"error\"\n";
  const Completed run =
      RunServer({"--config", File("c.toml"), "--request-threads", "12", "--print-config"},
                {.environment = {"BITBUDGET_REQUEST_THREADS=11", "BITBUDGET_MAX_PAGE_COUNT=21"}});
  EXPECT_EQ(run.status, (ExitStatus{.code = 0})) << run.errors;
  EXPECT_THAT(run.output, HasSubstr("request-threads=12"));
  EXPECT_THAT(run.output, HasSubstr("max-page-count=21"));
  EXPECT_THAT(run.output, HasSubstr("log-level=\"error\""));
  EXPECT_THAT(run.output, HasSubstr("listen=\"127.0.0.1:7411\""));
}

TEST_F(Lifecycle, PrintedConfigurationCanBeReadBack) {
  const Completed printed = RunServer({"--database", Database(), "--print-config"});
  std::ofstream(File("c.toml")) << printed.output;
  const Completed again = RunServer({"--config", File("c.toml"), "--print-config"});
  EXPECT_EQ(again.status, (ExitStatus{.code = 0})) << again.errors;
  EXPECT_EQ(again.output, printed.output);
}

TEST_F(Lifecycle, DefaultDatabaseIsInTheDataDirectory) {
  const Completed run = RunServer(
      {"--print-config"}, {.environment = {"XDG_DATA_HOME=/somewhere", "BITBUDGET_DATABASE"}});
  EXPECT_THAT(run.output, HasSubstr("database=\"/somewhere/bitbudget/bitbudget.db\""));
}

TEST_F(Lifecycle, WrongUsageIsExplained) {
  struct Case {
    std::vector<std::string> arguments;
    std::string error;
  };
  for (const Case& wrong : std::vector<Case>{
           {{"--no-such-flag"}, "--no-such-flag"},
           {{"--request-threads", "many"}, "'many' is not a whole number from 8 to 1024"},
           {{"--log-level", "loud"}, "loud"},
           {{"--max-page-count", "-1"}, "'-1' is not a whole number from 0"},
           {{"--listen", "127.0.0.1"}, "is not HOST:PORT"},
           {{"--database", ""}, "is empty; name a file"},
           {{"--config", "/does/not/exist"}, "/does/not/exist"}}) {
    const Completed run = RunServer(wrong.arguments);
    EXPECT_EQ(run.status, (ExitStatus{.code = 2})) << wrong.arguments[0];
    EXPECT_THAT(run.errors, HasSubstr(wrong.error));
  }
}

TEST_F(Lifecycle, AFileThatCannotBeReadIsExplained) {
  for (const auto& [text, error] : std::vector<std::pair<std::string, std::string>>{
           {"max-pages = 20", "there is no option 'max-pages'"},
           {"max-page-count 20", "'max-page-count 20' is not of the form NAME = VALUE"},
           {"[server]\nlisten = \"127.0.0.1:0\"", "options stand without one"},
           {"max-page-count = -1", "'-1' is not a whole number from 0"}}) {
    std::ofstream(File("c.toml")) << text << "\n";
    const Completed run = RunServer({"--config", File("c.toml"), "--print-config"});
    EXPECT_EQ(run.status, (ExitStatus{.code = 2})) << text;
    EXPECT_THAT(run.errors, HasSubstr(error)) << text;
  }
}

TEST_F(Lifecycle, HelpOpensWithExamples) {
  const Completed run = RunServer({"--help"});
  EXPECT_EQ(run.status, (ExitStatus{.code = 0}));
  EXPECT_LT(run.output.find("Examples:"), run.output.find("--database"));
}

TEST_F(Lifecycle, LogOfJsonIsOneObjectALine) {
  StartServer({"--log-format", "json"});
  CreateStudy("x");
  ASSERT_EQ(server().Stop(), (ExitStatus{.code = 0}));
  std::istringstream lines(server().process().Errors());
  bool has_call = false;
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json event = nlohmann::json::parse(line);
    has_call |= event.value("method", "") == "StudyService/CreateStudy" &&
                event.at("code") == "OK" && event.at("level") == "info";
  }
  EXPECT_TRUE(has_call);
}

TEST_F(Lifecycle, ShutdownEndsAnImportThatIsUnderWayAndStoresNothingOfIt) {
  StartServer({"--shutdown-grace", "0.2"});
  const std::string study = CreateStudy("x");
  grpc::ClientContext context;
  v1::ImportExperimentsResponse response;
  const auto writer = stubs().experiments->ImportExperiments(&context, &response);
  v1::ImportExperimentsRequest message;
  message.set_parent(study);
  for (const v1::Experiment& run : FullPrecisionRuns(6, 6)) *message.add_experiments() = run;
  ASSERT_TRUE(writer->Write(message));
  EXPECT_EQ(server().Stop(), (ExitStatus{.code = 0}));
  EXPECT_FALSE(writer->Finish().ok());

  StartServer();
  v1::GetStudyRequest request;
  request.set_name(study);
  v1::Study stored;
  ASSERT_TRUE(Call(*stubs().studies, &v1::StudyService::Stub::GetStudy, request, &stored).ok());
  EXPECT_EQ(stored.experiment_count(), 0);
}

TEST_F(Lifecycle, InterruptEndsLikeTerminate) {
  StartServer();
  server().process().Signal(SIGINT);
  EXPECT_EQ(server().process().Wait(kPatience), (ExitStatus{.code = 0}));
}

}  // namespace
}  // namespace bitbudget::integration
