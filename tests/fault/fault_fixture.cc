#include "tests/fault/fault_fixture.h"

#include <csignal>
#include <utility>

namespace bitbudget::testing {

v1::Experiment RunNumber(int64_t index) {
  v1::Experiment run;
  run.set_parameters(1000 + index);
  run.set_fp_tokens(1'000'000);
  run.set_weight_bits(16);
  run.set_loss_nats(2 + 1e-6 * static_cast<double>(index));
  return run;
}

void FaultTest::StartServer() {
  auto server = ServerProcess::Start(BITBUDGET_SERVER_PROGRAM, Database());
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  auto client = client::Client::Connect(server_->address(), {.timeout = absl::Seconds(30)});
  ASSERT_TRUE(client.ok()) << client.status();
  client_ = *std::move(client);
}

void FaultTest::KillServer() {
  server_->process().Signal(SIGKILL);
  ASSERT_TRUE(server_->process().Wait(absl::Seconds(30)).has_value());
}

void FaultTest::RestartServer() {
  auto server =
      ServerProcess::Start(BITBUDGET_SERVER_PROGRAM, Database(), {"--listen", server_->address()});
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

void FaultTest::CreateStudy() {
  v1::CreateStudyRequest request;
  request.set_study_id("fault");
  request.mutable_study()->set_loss_unit(v1::NATS_PER_TOKEN);
  request.mutable_study()->set_parameter_convention(v1::NON_EMBEDDING);
  request.mutable_study()->set_law("chinchilla");
  const auto study = client().CreateStudy(std::move(request));
  ASSERT_TRUE(study.ok()) << study.status();
}

std::vector<v1::Experiment> FaultTest::StoredRows() {
  v1::ExportExperimentsRequest request;
  request.set_parent(study_);
  std::vector<v1::Experiment> rows;
  const absl::Status status =
      client().ExportExperiments(request, [&](const v1::ExportExperimentsResponse& message) {
        rows.insert(rows.end(), message.experiments().begin(), message.experiments().end());
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
  return rows;
}

}  // namespace bitbudget::testing
