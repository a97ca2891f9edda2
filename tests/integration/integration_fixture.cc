#include "tests/integration/integration_fixture.h"

#include <grpcpp/generic/generic_stub.h>

#include <cmath>
#include <utility>

#include "absl/time/clock.h"
#include "proto/grpc_status.h"

namespace bitbudget::integration {
namespace {

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

// Six levels a factor of 4 apart; those after them lie close beside them.
double Level(int index) { return std::pow(4, index % 6) * std::pow(1.01, index / 6); }

}  // namespace

ErrorDetails DetailsOf(const grpc::Status& status) {
  return GetErrorDetails(FromGrpcStatus(status)).value_or(ErrorDetails());
}

std::vector<std::string> FieldsOf(const grpc::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : DetailsOf(status).field_violations) {
    fields.push_back(violation.field);
  }
  return fields;
}

v1::Study ChinchillaStudy() {
  v1::Study study;
  study.set_loss_unit(v1::NATS_PER_TOKEN);
  study.set_parameter_convention(v1::NON_EMBEDDING);
  study.set_law("chinchilla");
  study.mutable_fit_options()->set_start_count(16);
  return study;
}

std::vector<v1::Experiment> FullPrecisionRuns(int sizes, int budgets) {
  std::vector<v1::Experiment> runs;
  for (int size = 0; size < sizes; ++size) {
    for (int budget = 0; budget < budgets; ++budget) {
      const double n = std::round(1e7 * Level(size));
      const double d = std::round(2e8 * Level(budget));
      v1::Experiment& run = runs.emplace_back();
      run.set_parameters(static_cast<int64_t>(n));
      run.set_fp_tokens(static_cast<int64_t>(d));
      run.set_weight_bits(16);
      run.set_loss_nats((1.8 + 400 * std::pow(n, -0.34) + 410 * std::pow(d, -0.28)) *
                        std::exp(0.002 * std::sin(12.9898 * size + 78.233 * budget)));
    }
  }
  return runs;
}

RawReply CallRaw(grpc::Channel& channel, const std::string& method, const std::string& request) {
  const std::shared_ptr<grpc::ChannelInterface> borrowed(&channel, [](auto*) {});
  grpc::GenericStub stub(borrowed);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(&context, method, ToBuffer(request), &queue);
  call->StartCall();
  RawReply reply;
  grpc::ByteBuffer response;
  call->Finish(&response, &reply.status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  reply.bytes = ToBytes(response);
  return reply;
}

Stubs::Stubs(const std::string& address)
    : channel(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())),
      studies(v1::StudyService::NewStub(channel)),
      experiments(v1::ExperimentService::NewStub(channel)),
      fits(v1::FitService::NewStub(channel)),
      planner(v1::PlannerService::NewStub(channel)) {}

void IntegrationTest::StartServer(const std::vector<std::string>& arguments) {
  auto server = testing::ServerProcess::Start(BITBUDGET_SERVER_PROGRAM, Database(), arguments);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  stubs_ = std::make_unique<Stubs>(server_->address());
}

void IntegrationTest::StopServer() {
  EXPECT_EQ(server_->Stop(), (testing::ExitStatus{.code = 0}));
  stubs_.reset();
  server_.reset();
}

std::string IntegrationTest::CreateStudy(const std::string& id, const v1::Study& study) {
  v1::CreateStudyRequest request;
  request.set_study_id(id);
  *request.mutable_study() = study;
  v1::Study created;
  const grpc::Status status =
      Call(*stubs().studies, &v1::StudyService::Stub::CreateStudy, request, &created);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return "studies/" + id;
}

int64_t IntegrationTest::Store(const std::string& study, const std::vector<v1::Experiment>& rows) {
  v1::BatchCreateExperimentsRequest request;
  request.set_parent(study);
  request.mutable_experiments()->Add(rows.begin(), rows.end());
  v1::BatchCreateExperimentsResponse response;
  const grpc::Status status = Call(*stubs().experiments,
                                   &v1::ExperimentService::Stub::BatchCreateExperiments,
                                   request,
                                   &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.revision();
}

grpc::Status IntegrationTest::AskLoss(const std::string& study,
                                      int64_t min_revision,
                                      v1::PredictLossResponse* response) {
  v1::PredictLossRequest request;
  request.mutable_source()->set_study(study);
  request.mutable_source()->set_min_revision(min_revision);
  request.set_parameters(100'000'000);
  request.set_fp_tokens(10'000'000'000);
  request.set_weight_bits(16);
  return Call(*stubs().planner, &v1::PlannerService::Stub::PredictLoss, request, response);
}

}  // namespace bitbudget::integration
