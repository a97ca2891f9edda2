// The HTTP port beside gRPC in the real server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "client/cpp/client.h"
#include "server/http_library.h"
#include "tests/integration/integration_fixture.h"

namespace bitbudget::integration {
namespace {

using testing::ExitStatus;
using ::testing::HasSubstr;

constexpr char kDoorLine[] = "bitbudget-server dashboard at ";

class HttpPort : public IntegrationTest {
 protected:
  void StartServerWithHttp() {
    StartServer({"--http", "127.0.0.1:0"});
    const auto line = server().process().WaitForLine(kDoorLine, absl::Seconds(30));
    ASSERT_TRUE(line.has_value());
    url_ = line->substr(sizeof(kDoorLine) - 1);
    url_.pop_back();  // the slash
  }
  httplib::Client Http() const { return httplib::Client(url_); }

  std::string url_;  // "http://127.0.0.1:PORT"
};

TEST_F(HttpPort, ServesTheSameStudiesAsGrpc) {
  StartServerWithHttp();
  CreateStudy("a");
  const auto reply = Http().Post(
      "/bitbudget.v1.StudyService/GetStudy", R"({"name":"studies/a"})", "application/json");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_THAT(reply->body, HasSubstr(R"("name":"studies/a")"));
  StopServer();
}

TEST_F(HttpPort, CountsCallsRowsAndRefits) {
  StartServerWithHttp();
  const std::string study = CreateStudy("a");
  const int64_t revision = Store(study, FullPrecisionRuns(6, 6));
  v1::PredictLossResponse answer;
  ASSERT_TRUE(AskLoss(study, revision, &answer).ok());
  // A refit is counted when it has ended, a moment after its fit answers.
  const absl::Time deadline = absl::Now() + kPatience;
  auto reply = Http().Get("/metrics");
  while (reply && reply->body.find("bitbudget_refits_total{") == std::string::npos &&
         absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(10));
    reply = Http().Get("/metrics");
  }
  ASSERT_TRUE(reply);
  for (const char* line : {"grpc_server_handled_total{grpc_code=\"OK\",grpc_method=\"CreateStudy\","
                           "grpc_service=\"bitbudget.v1.StudyService\",grpc_type=\"unary\"} 1",
                           "bitbudget_ingest_rows_total 36",
                           "bitbudget_refits_total{code=\"OK\"} 1",
                           "bitbudget_refit_duration_seconds_count 1",
                           "bitbudget_jobs{state=\"QUEUED\"} 0"}) {
    EXPECT_THAT(reply->body, HasSubstr(line));
  }
  StopServer();
}

TEST_F(HttpPort, IsToldFromNoServerByAClientOfGrpc) {
  StartServerWithHttp();
  const std::string address = url_.substr(std::string("http://").size());
  const absl::Status status = (*client::Client::Connect(address))->ListStudies({}).status();
  EXPECT_TRUE(client::IsServerUnreachable(status));
  EXPECT_EQ(std::string(status.message()),
            address +
                " answers HTTP, not gRPC: it may be the dashboard's address; bitbudget-server "
                "prints the one it listens on");
  StopServer();
}

TEST_F(HttpPort, EndsWithItsStreams) {
  StartServerWithHttp();
  CreateStudy("a");
  grpc::ClientContext context;
  v1::WatchFitsRequest request;
  request.set_parent("studies/a");
  const auto stream = stubs().fits->WatchFits(&context, request);
  v1::WatchFitsResponse message;
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.study().fit_status().state(), v1::FitStatus::NO_DATA);
  EXPECT_EQ(server().Stop(), (ExitStatus{.code = 0}));
  EXPECT_FALSE(stream->Read(&message));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(HttpPort, ThatIsTakenEndsTheServerThatAskedForIt) {
  StartServerWithHttp();
  const std::string taken = url_.substr(std::string("http://").size());
  const auto run = testing::Run({BITBUDGET_SERVER_PROGRAM,
                                 "--database",
                                 File("other.db"),
                                 "--listen",
                                 "127.0.0.1:0",
                                 "--http",
                                 taken});
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->status, (ExitStatus{.code = 1}));
  EXPECT_THAT(run->errors, HasSubstr("cannot listen on " + taken));
  StopServer();
}

TEST_F(HttpPort, MayBeNone) {
  StartServer({"--http", "none"});
  EXPECT_EQ(server().Stop(), (ExitStatus{.code = 0}));
  EXPECT_THAT(server().process().Output(), ::testing::Not(HasSubstr(kDoorLine)));
}

}  // namespace
}  // namespace bitbudget::integration
