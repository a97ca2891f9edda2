// The HTTP door as browsers, curl and Connect's clients meet it.

#include "server/http_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>

#include <thread>

#include "server/connect_protocol.h"
#include "server/http_gzip.h"
#include "server/http_limits.h"
#include "tests/unit/http/http_fixture.h"

namespace bitbudget::server {
namespace {

namespace pb = google::protobuf;

using nlohmann::json;
using testing::ChinchillaStudy;
using testing::FullPrecisionGrid;
using ::testing::HasSubstr;
using testing::HttpTest;
using testing::Socket;
using testing::StreamMessage;

constexpr char kGetNothing[] = R"({"name":"studies/nothing"})";

json BodyOf(const httplib::Result& result) { return json::parse(result->body); }

// The code of an error, wherever it comes.
std::string CodeOf(const httplib::Result& result) { return BodyOf(result)["code"]; }

using HttpCall = HttpTest;

TEST_F(HttpCall, IsAnsweredAsJson) {
  CreateStudy("a");
  const auto reply = Call("StudyService/GetStudy", R"({"name":"studies/a"})");
  ASSERT_EQ(reply->status, 200);
  EXPECT_EQ(reply->get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(BodyOf(reply)["name"], "studies/a");
  EXPECT_EQ(BodyOf(reply)["fitStatus"]["state"], "NO_DATA");
}

TEST_F(HttpCall, IsAnsweredInBinary) {
  CreateStudy("a");
  v1::GetStudyRequest request;
  request.set_name("studies/a");
  const auto reply = Client().Post(
      "/bitbudget.v1.StudyService/GetStudy", request.SerializeAsString(), "application/proto");
  ASSERT_EQ(reply->status, 200);
  EXPECT_EQ(reply->get_header_value("Content-Type"), "application/proto");
  v1::Study study;
  ASSERT_TRUE(study.ParseFromString(reply->body));
  EXPECT_EQ(study.name(), "studies/a");
}

TEST_F(HttpCall, CarriesItsIdBack) {
  const auto reply = Call("LawService/ListLaws", "{}", {{"X-Request-Id", "mine-1"}});
  EXPECT_EQ(reply->get_header_value("x-request-id"), "mine-1");
}

TEST_F(HttpCall, ThatFailsSaysWhy) {
  const auto reply = Call("StudyService/GetStudy", kGetNothing);
  EXPECT_EQ(reply->status, 404);
  EXPECT_EQ(reply->get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(CodeOf(reply), "not_found");
  EXPECT_EQ(BodyOf(reply)["details"][0]["debug"]["reason"], "STUDY_NOT_FOUND");
}

TEST_F(HttpCall, WithABadFieldNamesIt) {
  const auto reply = Call("PlannerService/PredictLoss", R"({"parameters":"many"})");
  EXPECT_EQ(reply->status, 400);
  EXPECT_EQ(BodyOf(reply)["details"][1]["debug"]["field_violations"][0]["field"], "parameters");
}

TEST_F(HttpCall, WithoutABodyIsInvalid) {
  const Socket socket(port());
  socket.Send(
      "POST /bitbudget.v1.LawService/ListLaws HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Type: application/json\r\n\r\n");
  EXPECT_THAT(socket.ReadUntil("\r\n"), HasSubstr("400"));
}

TEST_F(HttpCall, ByAnotherVerbIsRefused) {
  const auto get = Client().Get("/bitbudget.v1.StudyService/GetStudy");
  EXPECT_EQ(get->status, 405);
  EXPECT_EQ(get->get_header_value("Allow"), "POST");
  EXPECT_EQ(Client().Put("/bitbudget.v1.StudyService/GetStudy", "{}", "application/json")->status,
            405);
}

TEST_F(HttpCall, OfAnotherTypeIsRefused) {
  const auto reply = Client().Post("/bitbudget.v1.StudyService/GetStudy", "{}", "text/plain");
  EXPECT_EQ(reply->status, 415);
  EXPECT_EQ(reply->get_header_value("Accept-Post"), "application/json, application/proto");
  const auto stream = Call("JobService/WatchJobs", "{}");
  EXPECT_EQ(stream->status, 415);
  EXPECT_EQ(stream->get_header_value("Accept-Post"),
            "application/connect+json, application/connect+proto");
}

TEST_F(HttpCall, OfNoMethodIsNotFound) {
  const auto reply = Call("StudyService/Forget", "{}");
  EXPECT_EQ(reply->status, 404);
  EXPECT_EQ(CodeOf(reply), "unimplemented");
}

TEST_F(HttpCall, WithABadHeaderIsInvalid) {
  EXPECT_EQ(Call("LawService/ListLaws", "{}", {{"Connect-Protocol-Version", "2"}})->status, 400);
  EXPECT_EQ(Call("LawService/ListLaws", "{}", {{"Connect-Timeout-Ms", "soon"}})->status, 400);
}

TEST_F(HttpCall, TooLargeIsRefusedPackedOrNot) {
  const std::string large = R"({"name":")" + std::string(testing::kMostMessageBytes, 'a') + "\"}";
  for (const auto& [body, headers] :
       {std::pair(large, httplib::Headers()),
        std::pair(Gzip(large), httplib::Headers{{"Content-Encoding", "gzip"}})}) {
    const auto reply = Call("StudyService/GetStudy", body, headers);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 429);
    EXPECT_EQ(CodeOf(reply), "resource_exhausted");
  }
}

TEST_F(HttpCall, MayBePacked) {
  const auto reply =
      Call("StudyService/GetStudy", Gzip(kGetNothing), {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(CodeOf(reply), "not_found");
  EXPECT_EQ(Call("StudyService/GetStudy", kGetNothing, {{"Content-Encoding", "br"}})->status, 501);
}

TEST_F(HttpCall, IsPackedForThoseWhoTakeIt) {
  httplib::Client client = Client();
  client.set_decompress(false);
  const auto reply = client.Post("/bitbudget.v1.LawService/ListLaws",
                                 {{"Accept-Encoding", "gzip, br"}},
                                 "{}",
                                 "application/json");
  EXPECT_EQ(reply->get_header_value("Content-Encoding"), "gzip");
  const std::string unpacked = *Gunzip(reply->body, 1'000'000);
  EXPECT_EQ(unpacked, Call("LawService/ListLaws", "{}")->body);
}

TEST_F(HttpCall, WhoseTimeIsOverStopsWaiting) {
  // A worker that is ready to wait a minute for a job that never comes.
  const auto reply = Call("JobService/LeaseJob",
                          R"({"parent":"studies/-","worker":"w","wait":"60s",
                              "capabilities":{"trainers":["bitbudget-train"]}})",
                          {{"Connect-Timeout-Ms", "20"}});
  EXPECT_EQ(CodeOf(reply), "deadline_exceeded") << reply->body;
  EXPECT_EQ(reply->status, 504);
}

TEST_F(HttpCall, OnOneConnectionFollowsAnother) {
  httplib::Client client = Client();
  client.set_keep_alive(true);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(
        client.Post("/bitbudget.v1.StudyService/GetStudy", kGetNothing, "application/json")->status,
        404);
  }
}

TEST_F(HttpCall, ReachesEveryMethodButUploads) {
  const pb::FileDescriptor* file = nullptr;
  for (const char* service : {"StudyService",
                              "ExperimentService",
                              "FitService",
                              "LawService",
                              "PlannerService",
                              "JobService",
                              "CampaignService"}) {
    const pb::ServiceDescriptor* descriptor =
        pb::DescriptorPool::generated_pool()->FindServiceByName(std::string("bitbudget.v1.") +
                                                                service);
    ASSERT_NE(descriptor, nullptr) << service;
    file = descriptor->file();
    EXPECT_EQ(file->service_count(), 1);
    for (int i = 0; i < descriptor->method_count(); ++i) {
      const pb::MethodDescriptor& method = *descriptor->method(i);
      const std::string path = fmt::format("/{}/{}", descriptor->full_name(), method.name());
      // 404 is that of an unknown method; 415 that of one that takes other bodies.
      EXPECT_EQ(Client().Post(path, "", "text/plain")->status,
                method.client_streaming() ? 404 : 415)
          << path;
    }
  }
}

using HttpStream = HttpTest;

TEST_F(HttpStream, TellsOfEveryFit) {
  const std::string study = CreateStudy("a");
  std::vector<json> messages;
  Stream("FitService/WatchFits", R"({"parent":"studies/a"})", [&](const StreamMessage& message) {
    EXPECT_FALSE(message.is_end) << message.body;
    messages.push_back(message.body);
    if (messages.size() == 1) Store(study, FullPrecisionGrid());
    return !message.is_end && !message.body.contains("fit");
  });
  ASSERT_GE(messages.size(), 2);
  EXPECT_EQ(messages.front()["study"]["fitStatus"]["state"], "NO_DATA");
  EXPECT_EQ(messages.back()["study"]["fitStatus"]["state"], "CURRENT");
  EXPECT_EQ(messages.back()["fit"]["revision"], messages.back()["study"]["revision"]);
}

TEST_F(HttpStream, ThatFailsSaysSoInTheEnd) {
  json end;
  Stream("FitService/WatchFits", R"({"parent":"studies/nothing"})", [&](const auto& message) {
    EXPECT_TRUE(message.is_end);
    end = message.body;
    return true;
  });
  EXPECT_EQ(end["error"]["code"], "not_found");
}

TEST_F(HttpStream, EndsWhenItsTimeIsOver) {
  CreateStudy("a");
  json last;
  Stream("FitService/WatchFits",
         R"({"parent":"studies/a"})",
         [&](const auto& message) {
           last = message.body;
           return true;
         },
         {{"Connect-Timeout-Ms", "50"}});
  EXPECT_EQ(last["error"]["code"], "deadline_exceeded");
}

TEST_F(HttpStream, EndsWhenTheServerDoes) {
  CreateStudy("a");
  json last;
  Stream("FitService/WatchFits", R"({"parent":"studies/a"})", [&](const auto& message) {
    last = message.body;
    core().registry.Drain();
    return true;
  });
  EXPECT_EQ(last["error"]["code"], "unavailable");
}

TEST_F(HttpStream, OfAnExportEndsByItself) {
  Store(CreateStudy("a"), FullPrecisionGrid());
  std::vector<StreamMessage> messages;
  Stream("ExperimentService/ExportExperiments", R"({"parent":"studies/a"})", [&](const auto& m) {
    messages.push_back(m);
    return true;
  });
  ASSERT_EQ(messages.size(), 2);
  EXPECT_EQ(messages[0].body["experiments"].size(), FullPrecisionGrid().size());
  EXPECT_TRUE(messages[1].is_end);
  EXPECT_EQ(messages[1].body, json::object());
}

TEST_F(HttpStream, NeedsItsOneEnvelope) {
  for (const std::string& body : {std::string(),
                                  std::string("{}"),
                                  WriteEnvelope({.data = "{}"}) + WriteEnvelope({.data = "{}"}),
                                  WriteEnvelope({.flags = 2, .data = "{}"}),
                                  WriteEnvelope({.flags = 1, .data = Gzip("{}")})}) {
    const auto reply =
        Client().Post("/bitbudget.v1.JobService/WatchJobs", body, "application/connect+json");
    EXPECT_EQ(reply->status, 200);
    std::string_view unread = reply->body;
    const auto end = *TakeEnvelope(&unread, unread.size());
    ASSERT_TRUE(end);
    EXPECT_EQ(end->flags, Envelope::kEndOfStream);
    EXPECT_EQ(json::parse(end->data)["error"]["code"], "invalid_argument") << end->data;
  }
}

// Streams that are open and never read, as many as may be.
std::vector<Socket> OpenStreams(int port, int count, const std::string& request) {
  std::vector<Socket> sockets;
  for (int i = 0; i < count; ++i) {
    sockets.emplace_back(port).Send(request);
    EXPECT_THAT(sockets.back().ReadUntil("\r\n"), HasSubstr("200"));
    sockets.back().ReadUntil("\"presentStateComplete\":true}");
  }
  return sockets;
}

TEST_F(HttpStream, LeavesRoomForCallsHoweverManyThereAre) {
  const std::string request = StreamRequest("JobService/WatchJobs", R"({"parent":"studies/-"})");
  const std::vector<Socket> streams = OpenStreams(port(), kMostHttpWaits, request);
  json refusal;
  Stream("JobService/WatchJobs", R"({"parent":"studies/-"})", [&](const StreamMessage& message) {
    refusal = message.body;
    return false;
  });
  EXPECT_EQ(refusal["error"]["code"], "resource_exhausted");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Call("StudyService/GetStudy", kGetNothing)->status, 404);
  }
}

TEST_F(HttpStream, WhoseReceiverHasGoneMakesRoom) {
  const std::string request = StreamRequest("JobService/WatchJobs", R"({"parent":"studies/-"})");
  for (int round = 0; round < 2; ++round) {
    { const std::vector<Socket> streams = OpenStreams(port(), kMostHttpWaits, request); }
    // Noticed without anything to send.
    bool is_room = false;
    for (int i = 0; !is_room && i < 1'000; ++i) {
      Stream("JobService/WatchJobs", R"({"parent":"studies/-"})", [&](const StreamMessage& m) {
        is_room = !m.is_end;
        return false;
      });
      if (!is_room) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ASSERT_TRUE(is_room);
    while (!gate_.WaitUntilEmpty(absl::Milliseconds(20))) {
    }
  }
}

using HttpConnections = HttpTest;

TEST_F(HttpConnections, ThatRestMakeRoomForOthers) {
  std::vector<Socket> resting;
  for (int i = 0; i < kMostHttpConnections; ++i) {
    resting.emplace_back(port()).Send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(resting.back().ReadUntil("serving\n"), HasSubstr("200"));
  }
  EXPECT_EQ(Client().Get("/healthz")->status, 200);
}

TEST_F(HttpConnections, WithAnEndlessHeadAreEnded) {
  const Socket socket(port());
  std::string head = "GET /healthz HTTP/1.1\r\n";
  while (head.size() <= kMostHeadBytes) head += "X-Filler: " + std::string(1'000, 'x') + "\r\n";
  socket.Send(head);
  EXPECT_THAT(socket.ReadUntil("never"), ::testing::Not(HasSubstr("200")));
}

TEST_F(HttpConnections, DoNotTakeARefusedBodyForARequest) {
  const Socket socket(port());
  socket.Send(
      "POST /bitbudget.v1.StudyService/GetStudy HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Type: text/plain\r\nContent-Length: 48\r\n\r\n"
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n______");
  const std::string all = socket.ReadUntil("never");
  EXPECT_THAT(all, HasSubstr("415"));
  EXPECT_THAT(all, ::testing::Not(HasSubstr("serving")));
}

using HttpDoor = HttpTest;

TEST_F(HttpDoor, SaysWhetherTheServerServes) {
  EXPECT_EQ(Client().Get("/healthz")->status, 200);
  server().StopServing();
  const auto reply = Client().Get("/healthz");
  EXPECT_EQ(reply->status, 503);
  EXPECT_EQ(reply->body, "shutting down\n");
  EXPECT_EQ(Client().Post("/healthz", "", "text/plain")->get_header_value("Allow"), "GET, HEAD");
}

TEST_F(HttpDoor, CountsCalls) {
  Call("StudyService/GetStudy", kGetNothing);
  const auto reply = Client().Get("/metrics");
  EXPECT_EQ(reply->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(reply->body,
              HasSubstr("connect_server_handled_total{connect_code=\"NOT_FOUND\","
                        "connect_method=\"GetStudy\","
                        "connect_service=\"bitbudget.v1.StudyService\",connect_type=\"unary\"}"));
}

TEST_F(HttpDoor, SaysWhereTheDashboardShouldBe) {
  const auto reply = Client().Get("/");
  EXPECT_EQ(reply->status, 404);
  EXPECT_THAT(reply->body, HasSubstr("/nowhere/dist"));
  EXPECT_THAT(reply->get_header_value("Content-Security-Policy"), HasSubstr("default-src 'self'"));
}

TEST_F(HttpDoor, DoesNotKnowItselfByAnotherName) {
  const auto reply = Client().Get("/metrics", {{"Host", "evil.example"}});
  EXPECT_EQ(reply->status, 403);
  EXPECT_EQ(CodeOf(reply), "permission_denied");
}

TEST_F(HttpDoor, IsOpenToItsOwnPagesAlone) {
  const httplib::Headers origin = {{"Origin", "http://evil.example"}};
  EXPECT_FALSE(Client()
                   .Options("/bitbudget.v1.StudyService/GetStudy", origin)
                   ->has_header("Access-Control-Allow-Origin"));
  EXPECT_FALSE(
      Call("LawService/ListLaws", "{}", origin)->has_header("Access-Control-Allow-Origin"));
}

class HttpDoorToOthers : public HttpTest {
 protected:
  HttpDoorToOthers() : HttpTest({"http://localhost:5173"}) {}
};

TEST_F(HttpDoorToOthers, IsOpenToThoseAllowed) {
  const httplib::Headers origin = {{"Origin", "http://localhost:5173"}};
  const auto preflight = Client().Options("/bitbudget.v1.StudyService/GetStudy", origin);
  EXPECT_EQ(preflight->get_header_value("Access-Control-Allow-Origin"), "http://localhost:5173");
  EXPECT_EQ(preflight->get_header_value("Access-Control-Allow-Methods"), "POST");
  EXPECT_THAT(preflight->get_header_value("Access-Control-Allow-Headers"),
              HasSubstr("Connect-Protocol-Version"));
  EXPECT_EQ(
      Call("LawService/ListLaws", "{}", origin)->get_header_value("Access-Control-Allow-Origin"),
      "http://localhost:5173");
  EXPECT_FALSE(Call("LawService/ListLaws", "{}", {{"Origin", "http://localhost:5174"}})
                   ->has_header("Access-Control-Allow-Origin"));
}

}  // namespace
}  // namespace bitbudget::server
