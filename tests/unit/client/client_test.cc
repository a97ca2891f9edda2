#include "client/cpp/client.h"

#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "bitbudget/v1/experiment.grpc.pb.h"
#include "bitbudget/v1/study.grpc.pb.h"
#include "proto/grpc_status.h"
#include "util/error.h"

namespace bitbudget::client {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Ne;
using ::testing::SizeIs;

const grpc::Status kConnectionLost(grpc::StatusCode::UNAVAILABLE, "connection reset");

// What a server says that has no place left, with the time to wait.
grpc::Status Busy(std::optional<double> retry_delay_seconds) {
  return ToGrpcStatus(
      MakeError(absl::StatusCode::kResourceExhausted,
                "4 imports are under way",
                {.reason = "TOO_MANY_CALLS", .retry_delay_seconds = retry_delay_seconds}));
}

// A server that answers as it is told and remembers what it was asked.
class ScriptedServer final : public v1::StudyService::Service,
                             public v1::ExperimentService::Service {
 public:
  ScriptedServer() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(static_cast<v1::StudyService::Service*>(this));
    builder.RegisterService(static_cast<v1::ExperimentService::Service*>(this));
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }

  ~ScriptedServer() override { server_->Shutdown(); }

  const std::string& address() const { return address_; }

  // The outcomes of the next calls; OK when none is left.
  void NextOutcomes(std::vector<grpc::Status> outcomes) {
    absl::MutexLock lock(&mutex_);
    outcomes_ = std::move(outcomes);
  }

  // The fit states that the next GetStudy calls show; the last one stays.
  void NextFitStatuses(std::vector<v1::FitStatus> statuses) {
    absl::MutexLock lock(&mutex_);
    fit_statuses_ = std::move(statuses);
  }

  // What each call carried: a request id, or the name of a read.
  std::vector<std::string> calls() const {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }

  grpc::Status CreateStudy(grpc::ServerContext*,
                           const v1::CreateStudyRequest* request,
                           v1::Study* study) override {
    study->set_name("studies/" + request->study_id());
    return Outcome(request->request_id());
  }

  grpc::Status GetStudy(grpc::ServerContext*,
                        const v1::GetStudyRequest* request,
                        v1::Study* study) override {
    study->set_name(request->name());
    study->set_revision(7);
    {
      absl::MutexLock lock(&mutex_);
      if (!fit_statuses_.empty()) {
        *study->mutable_fit_status() = fit_statuses_.front();
        if (fit_statuses_.size() > 1) fit_statuses_.erase(fit_statuses_.begin());
      }
    }
    return Outcome(request->name());
  }

  // Answers when the caller has given up.
  grpc::Status ListStudies(grpc::ServerContext* context,
                           const v1::ListStudiesRequest*,
                           v1::ListStudiesResponse*) override {
    while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
    return grpc::Status::CANCELLED;
  }

  grpc::Status Backup(grpc::ServerContext*,
                      const v1::BackupRequest* request,
                      v1::BackupResponse*) override {
    return Outcome(request->path());
  }

  grpc::Status ImportExperiments(grpc::ServerContext*,
                                 grpc::ServerReader<v1::ImportExperimentsRequest>* stream,
                                 v1::ImportExperimentsResponse* response) override {
    std::string request_id;
    int64_t next_parameters = 1;
    for (v1::ImportExperimentsRequest message; stream->Read(&message);) {
      if (!message.request_id().empty()) request_id = message.request_id();
      for (const v1::Experiment& run : message.experiments()) {
        if (run.parameters() != next_parameters++) return grpc::Status::CANCELLED;
      }
      response->set_created_count(response->created_count() + message.experiments_size());
    }
    return Outcome(request_id);
  }

  grpc::Status ExportExperiments(
      grpc::ServerContext*,
      const v1::ExportExperimentsRequest*,
      grpc::ServerWriter<v1::ExportExperimentsResponse>* stream) override {
    if (const grpc::Status outcome = Outcome("export"); !outcome.ok()) return outcome;
    v1::ExportExperimentsResponse message;
    for (int64_t revision : {1, 2, 3}) {
      message.set_revision(revision);
      stream->Write(message);
    }
    return grpc::Status::OK;
  }

 private:
  grpc::Status Outcome(const std::string& call) {
    absl::MutexLock lock(&mutex_);
    calls_.push_back(call);
    if (outcomes_.empty()) return grpc::Status::OK;
    const grpc::Status outcome = outcomes_.front();
    outcomes_.erase(outcomes_.begin());
    return outcome;
  }

  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  mutable absl::Mutex mutex_;
  std::vector<grpc::Status> outcomes_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::FitStatus> fit_statuses_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> calls_ ABSL_GUARDED_BY(mutex_);
};

class ClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<Client> Connect(const ClientOptions& options = {}) {
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(server_.address(), options);
    return *std::move(client);
  }

  static v1::GetStudyRequest GetRequest() {
    v1::GetStudyRequest request;
    request.set_name("studies/s");
    return request;
  }

  static std::vector<v1::Experiment> Rows(int64_t count) {
    std::vector<v1::Experiment> rows(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) rows[static_cast<size_t>(i)].set_parameters(i + 1);
    return rows;
  }

  ScriptedServer server_;
};

std::string ReasonOf(const absl::Status& status) {
  return GetErrorDetails(status).value_or(ErrorDetails{}).reason;
}

TEST_F(ClientTest, ReadsAreRepeatedWhileTheServerIsUnavailable) {
  server_.NextOutcomes({kConnectionLost, kConnectionLost});
  const absl::StatusOr<v1::Study> study = Connect()->GetStudy(GetRequest());
  ASSERT_EQ(study.status().code(), absl::StatusCode::kOk) << study.status();
  EXPECT_THAT(server_.calls(), ElementsAre("studies/s", "studies/s", "studies/s"));
}

TEST_F(ClientTest, WritesAreRepeatedUnderOneRequestId) {
  server_.NextOutcomes({kConnectionLost});
  const absl::StatusOr<v1::Study> study = Connect()->CreateStudy({});
  ASSERT_EQ(study.status().code(), absl::StatusCode::kOk) << study.status();
  const std::vector<std::string> ids = server_.calls();
  ASSERT_THAT(ids, SizeIs(2));
  EXPECT_THAT(ids, Each(AllOf(Eq(ids[0]), Ne(""))));
}

TEST_F(ClientTest, TextThatIsNotUtf8IsRefusedByItsFieldBeforeItIsSent) {
  v1::CreateStudyRequest request;
  request.set_study_id("\xFF");
  request.mutable_study()->mutable_model_family()->set_description("\xC3");
  const absl::Status status = Connect()->CreateStudy(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(GetErrorDetails(status)->field_violations,
              ElementsAre(FieldViolation{"study_id", "is not UTF-8 text"},
                          FieldViolation{"study.model_family.description", "is not UTF-8 text"}));
  v1::ImportExperimentsRequest header;
  header.set_import_batch("\xFF");
  EXPECT_EQ(Connect()->ImportExperiments(header, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(server_.calls(), SizeIs(0));
}

TEST_F(ClientTest, EveryWriteHasARequestIdOfItsOwn) {
  const std::unique_ptr<Client> client = Connect();
  ASSERT_EQ(client->CreateStudy({}).status().code(), absl::StatusCode::kOk);
  ASSERT_EQ(client->CreateStudy({}).status().code(), absl::StatusCode::kOk);
  ASSERT_THAT(server_.calls(), SizeIs(2));
  EXPECT_NE(server_.calls()[0], server_.calls()[1]);
}

TEST_F(ClientTest, TheCallersRequestIdIsKept) {
  v1::CreateStudyRequest request;
  request.set_request_id("mine");
  ASSERT_EQ(Connect()->CreateStudy(request).status().code(), absl::StatusCode::kOk);
  EXPECT_THAT(server_.calls(), ElementsAre("mine"));
}

TEST_F(ClientTest, GivesUpAfterFiveAttemptsAndSaysTheServerIsUnreachable) {
  server_.NextOutcomes(std::vector<grpc::Status>(9, kConnectionLost));
  const absl::Status status = Connect()->GetStudy(GetRequest()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(IsServerUnreachable(status));
  EXPECT_THAT(server_.calls(), SizeIs(5));
}

TEST_F(ClientTest, AServerThatSaidThatItWouldEndIsNotCalledUnreachable) {
  std::vector<grpc::Status> outcomes(5, kConnectionLost);
  outcomes[0] = ToGrpcStatus(MakeError(
      absl::StatusCode::kUnavailable, "the server is shutting down", {.reason = "SHUTTING_DOWN"}));
  server_.NextOutcomes(outcomes);
  const absl::Status status = Connect()->CreateStudy({}).status();
  EXPECT_EQ(ReasonOf(status), "SHUTTING_DOWN");
  EXPECT_FALSE(IsServerUnreachable(status));
}

TEST_F(ClientTest, AnUnavailabilityThatTheServerExplainsIsNotUnreachable) {
  const grpc::Status failed_commit = ToGrpcStatus(
      MakeError(absl::StatusCode::kUnavailable, "the commit failed", {.reason = "COMMIT_FAILED"}));
  server_.NextOutcomes(std::vector<grpc::Status>(9, failed_commit));
  const absl::Status status = Connect()->CreateStudy({}).status();
  EXPECT_EQ(ReasonOf(status), "COMMIT_FAILED");
  EXPECT_FALSE(IsServerUnreachable(status));
}

TEST_F(ClientTest, ARefusalForWantOfAPlaceIsWaitedOutHoweverOften) {
  server_.NextOutcomes(std::vector<grpc::Status>(7, Busy(.001)));
  const absl::StatusOr<v1::Study> study = Connect()->CreateStudy({});
  ASSERT_EQ(study.status().code(), absl::StatusCode::kOk) << study.status();
  const std::vector<std::string> ids = server_.calls();
  ASSERT_THAT(ids, SizeIs(8));
  EXPECT_THAT(ids, Each(AllOf(Eq(ids[0]), Ne(""))));
}

TEST_F(ClientTest, ARefusalThatNamesNoTimeToWaitIsReturnedAtOnce) {
  server_.NextOutcomes({Busy(std::nullopt)});
  EXPECT_EQ(Connect()->CreateStudy({}).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(server_.calls(), SizeIs(1));
}

TEST_F(ClientTest, AWaitThatWouldOutlastTheCallIsNotBegun) {
  server_.NextOutcomes({Busy(3600)});
  const absl::Status status = Connect()->CreateStudy({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "TOO_MANY_CALLS");
  EXPECT_THAT(server_.calls(), SizeIs(1));
}

TEST_F(ClientTest, ABackupIsWaitedForBecauseARefusalHasDoneNothing) {
  server_.NextOutcomes({Busy(.001)});
  EXPECT_EQ(Connect()->Backup({}).status().code(), absl::StatusCode::kOk);
  EXPECT_THAT(server_.calls(), SizeIs(2));
}

TEST_F(ClientTest, OtherErrorsAreReturnedAtOnceWithTheirDetails) {
  server_.NextOutcomes({ToGrpcStatus(NotFound("study", "studies/s"))});
  const absl::Status status = Connect()->GetStudy(GetRequest()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(GetErrorDetails(status)->resource_name, "studies/s");
  EXPECT_THAT(server_.calls(), SizeIs(1));
}

TEST_F(ClientTest, BackupsAreNeverRepeated) {
  server_.NextOutcomes({kConnectionLost});
  EXPECT_EQ(Connect()->Backup({}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(server_.calls(), SizeIs(1));
}

TEST_F(ClientTest, ACallThatIsNotAnsweredEndsAtItsDeadline) {
  const std::unique_ptr<Client> client = Connect({.timeout = absl::Seconds(1)});
  // Connected, so that the deadline cannot be mistaken for an absent server.
  ASSERT_EQ(client->GetStudy(GetRequest()).status().code(), absl::StatusCode::kOk);
  const absl::Status status = client->ListStudies({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(status), "NO_ANSWER_IN_TIME");
  EXPECT_THAT(std::string(status.message()), HasSubstr("did not answer within 1s"));
}

TEST(ClientConnectTest, AnAbsentServerIsUnreachableAndTheErrorSaysWhatToDo) {
  std::string address;
  {
    const ScriptedServer stopped;
    address = stopped.address();
  }
  const absl::Status status = (*Client::Connect(address))->ListStudies({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(IsServerUnreachable(status));
  EXPECT_EQ(std::string(status.message()),
            "cannot reach bitbudget-server at " + address +
                ": is it running? Start it with: bitbudget-server --database FILE --listen " +
                address);
}

TEST(ClientConnectTest, RefusesAnAddressThatIsNotHostAndPort) {
  for (const char* address : {"",
                              "localhost",
                              ":7411",
                              "localhost:",
                              "localhost:0",
                              "localhost:70000",
                              "localhost:http",
                              "http://localhost:7411",
                              "localhost:74x"}) {
    EXPECT_EQ(Client::Connect(address).status().code(), absl::StatusCode::kInvalidArgument)
        << address;
  }
}

TEST_F(ClientTest, AnImportSendsAllRowsInOrderAndTellsItsProgress) {
  const std::vector<v1::Experiment> rows = Rows(600);
  std::vector<int64_t> progress;
  const absl::StatusOr<v1::ImportExperimentsResponse> response =
      Connect()->ImportExperiments({}, rows, [&](int64_t sent) { progress.push_back(sent); });
  ASSERT_EQ(response.status().code(), absl::StatusCode::kOk) << response.status();
  EXPECT_EQ(response->created_count(), 600);
  EXPECT_THAT(progress, ElementsAre(256, 512, 600));
}

TEST_F(ClientTest, AnImportWithoutRowsStillAsks) {
  EXPECT_EQ(Connect()->ImportExperiments({}, {}).status().code(), absl::StatusCode::kOk);
  EXPECT_THAT(server_.calls(), SizeIs(1));
}

TEST_F(ClientTest, AnImportIsRepeatedAsAWholeUnderOneRequestId) {
  server_.NextOutcomes({kConnectionLost});
  const std::vector<v1::Experiment> rows = Rows(600);
  const absl::StatusOr<v1::ImportExperimentsResponse> response =
      Connect()->ImportExperiments({}, rows);
  ASSERT_EQ(response.status().code(), absl::StatusCode::kOk) << response.status();
  EXPECT_EQ(response->created_count(), 600);
  const std::vector<std::string> ids = server_.calls();
  ASSERT_THAT(ids, SizeIs(2));
  EXPECT_THAT(ids, Each(AllOf(Eq(ids[0]), Ne(""))));
}

TEST_F(ClientTest, AnImportThatIsRefusedForWantOfAPlaceBeginsAgainUnderOneRequestId) {
  server_.NextOutcomes({Busy(.001), Busy(.001)});
  const absl::StatusOr<v1::ImportExperimentsResponse> response =
      Connect()->ImportExperiments({}, Rows(600));
  ASSERT_EQ(response.status().code(), absl::StatusCode::kOk) << response.status();
  EXPECT_EQ(response->created_count(), 600);
  const std::vector<std::string> ids = server_.calls();
  ASSERT_THAT(ids, SizeIs(3));
  EXPECT_THAT(ids, Each(AllOf(Eq(ids[0]), Ne(""))));
}

TEST_F(ClientTest, AnExportThatHasNotBegunIsRepeated) {
  server_.NextOutcomes({Busy(.001), kConnectionLost});
  int messages = 0;
  const absl::Status status =
      Connect()->ExportExperiments({}, [&](const v1::ExportExperimentsResponse&) {
        ++messages;
        return absl::OkStatus();
      });
  EXPECT_EQ(status.code(), absl::StatusCode::kOk) << status;
  EXPECT_EQ(messages, 3);
}

TEST_F(ClientTest, AnExportHandsOverEveryMessage) {
  std::vector<int64_t> revisions;
  const absl::Status status =
      Connect()->ExportExperiments({}, [&](const v1::ExportExperimentsResponse& message) {
        revisions.push_back(message.revision());
        return absl::OkStatus();
      });
  EXPECT_EQ(status.code(), absl::StatusCode::kOk) << status;
  EXPECT_THAT(revisions, ElementsAre(1, 2, 3));
}

TEST_F(ClientTest, AnExportEndsWithTheErrorOfItsReader) {
  int messages = 0;
  const absl::Status status =
      Connect()->ExportExperiments({}, [&](const v1::ExportExperimentsResponse&) {
        ++messages;
        return absl::DataLossError("disk full");
      });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(messages, 1);
}

v1::FitStatus Fit(v1::FitStatus::State state, int64_t covered_revision) {
  v1::FitStatus status;
  status.set_state(state);
  status.set_covered_revision(covered_revision);
  if (covered_revision > 0) status.set_latest_fit("studies/s/fits/f");
  if (state == v1::FitStatus::FAILED) status.set_error("too few widths");
  return status;
}

TEST_F(ClientTest, WaitingForAFitEndsWhenOneCoversTheRevision) {
  server_.NextFitStatuses({Fit(v1::FitStatus::PENDING, 0),
                           Fit(v1::FitStatus::PENDING, 6),
                           Fit(v1::FitStatus::CURRENT, 7)});
  const absl::StatusOr<v1::Study> study = Connect()->WaitForFit("studies/s", 7);
  ASSERT_EQ(study.status().code(), absl::StatusCode::kOk) << study.status();
  EXPECT_EQ(study->fit_status().covered_revision(), 7);
  EXPECT_THAT(server_.calls(), SizeIs(3));
}

TEST_F(ClientTest, WaitingForAFitEndsWhenItFails) {
  server_.NextFitStatuses({Fit(v1::FitStatus::PENDING, 6), Fit(v1::FitStatus::FAILED, 6)});
  const absl::Status status = Connect()->WaitForFit("studies/s", 7).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()), "revision 7 of studies/s has no fit: too few widths");
}

TEST_F(ClientTest, WaitingForAFitOfNoDataFails) {
  server_.NextFitStatuses({Fit(v1::FitStatus::NO_DATA, 0)});
  const absl::Status status = Connect()->WaitForFit("studies/s", 7).status();
  EXPECT_EQ(std::string(status.message()),
            "revision 7 of studies/s has no fit: it has no experiments");
}

TEST_F(ClientTest, WaitingForAFitEndsAtItsDeadline) {
  server_.NextFitStatuses({Fit(v1::FitStatus::PENDING, 6)});
  const absl::Status status =
      Connect({.long_timeout = absl::Milliseconds(50)})->WaitForFit("studies/s", 7).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(StudyNameTest, TakesAnIdOrAFullName) {
  EXPECT_EQ(StudyName("micro"), "studies/micro");
  EXPECT_EQ(StudyName("studies/micro"), "studies/micro");
}

}  // namespace
}  // namespace bitbudget::client
