// From measured runs to an answer, through the real server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "tests/integration/integration_fixture.h"
#include "tests/support/simulated_study.h"
#include "tests/support/truth.h"

namespace bitbudget::integration {
namespace {

using ::testing::IsEmpty;

// The runs of a simulated study whose optimal fraction grows with the budget.
std::vector<v1::Experiment> QatRuns() {
  const test_support::Truth truth = test_support::OwnTruths().front();
  std::vector<v1::Experiment> runs;
  for (const fitter::Observation& row :
       test_support::SimulateStudy(truth.coefficients, {.seed = 1}).rows) {
    v1::Experiment& run = runs.emplace_back();
    run.set_parameters(static_cast<int64_t>(row.point.parameters));
    run.set_fp_tokens(static_cast<int64_t>(row.point.fp_tokens));
    run.set_qat_tokens(static_cast<int64_t>(row.point.qat_tokens));
    run.set_weight_bits(row.point.weight_bits);
    run.set_loss_nats(row.loss_nats);
  }
  return runs;
}

class Flow : public IntegrationTest {
 protected:
  Flow() { StartServer(); }
};

TEST_F(Flow, MeasuredRunsBecomeAnOptimalFraction) {
  v1::Study study = ChinchillaStudy();
  study.set_law("compute_optimal_qat");
  const std::string name = CreateStudy("qat", study);
  const int64_t revision = Store(name, QatRuns());

  v1::OptimizeQatFractionRequest request;
  request.mutable_source()->set_study(name);
  request.mutable_source()->set_min_revision(revision);
  request.set_parameters(800'000'000);
  request.set_weight_bits(4);
  double last = 0;
  for (const int64_t tokens : {10'000'000'000, 60'000'000'000, 400'000'000'000}) {
    request.set_total_tokens(tokens);
    v1::OptimizeQatFractionResponse response;
    const grpc::Status status =
        Call(*stubs().planner, &v1::PlannerService::Stub::OptimizeQatFraction, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_GT(response.qat_fraction().value(), last) << "the fraction grows with the budget";
    last = response.qat_fraction().value();
    EXPECT_LE(response.qat_fraction().lower(), last);
    EXPECT_GE(response.qat_fraction().upper(), last);
    EXPECT_GE(response.caller_split().excess_loss_nats().value(), 0);
    EXPECT_EQ(response.provenance().revision(), revision);
  }
}

TEST_F(Flow, RestartLoadsTheFitWithoutRefitting) {
  const std::string study = CreateStudy("x");
  const int64_t revision = Store(study, FullPrecisionRuns(6, 6));
  v1::PredictLossResponse before;
  ASSERT_TRUE(AskLoss(study, revision, &before).ok());
  StopServer();
  StartServer();
  v1::PredictLossResponse after;
  // Without min_revision: the fit must be there from the first call on.
  const grpc::Status status = AskLoss(study, 0, &after);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(after.SerializeAsString(), before.SerializeAsString());
  StopServer();
}

TEST_F(Flow, WaitsHoldNoRequestThread) {
  const std::string study = CreateStudy("x");
  v1::PredictLossResponse response;
  ASSERT_TRUE(AskLoss(study, Store(study, FullPrecisionRuns(6, 6)), &response).ok());
  // More waits than the server has request threads.
  constexpr int kWaits = 100;
  const int64_t next = Store(study, {FullPrecisionRuns(7, 7).back()});
  std::atomic<int> answered = 0;
  std::vector<std::thread> waits;
  waits.reserve(kWaits);
  for (int i = 0; i < kWaits; ++i) {
    waits.emplace_back([this, &study, &answered, next] {
      v1::PredictLossResponse answer;
      if (AskLoss(study, next, &answer).ok() && answer.provenance().revision() >= next) ++answered;
    });
  }
  EXPECT_TRUE(AskLoss(study, 1, &response).ok());
  for (std::thread& wait : waits) wait.join();
  EXPECT_EQ(answered, kWaits);
}

TEST_F(Flow, WaitForAFitThatNeverComesEndsWithTheReason) {
  const std::string study = CreateStudy("x");
  const int64_t revision = Store(study, FullPrecisionRuns(1, 1));
  v1::PredictLossResponse response;
  const grpc::Status status = AskLoss(study, revision, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_CANNOT_ANSWER");
}

TEST_F(Flow, ReplayIsIdenticalAfterARestart) {
  const std::string study = CreateStudy("x");
  v1::PredictLossResponse response;
  ASSERT_TRUE(AskLoss(study, Store(study, FullPrecisionRuns(6, 6)), &response).ok());
  StopServer();
  StartServer();
  v1::ReplayFitRequest request;
  request.set_name(response.provenance().fit());
  v1::ReplayFitResponse replay;
  const grpc::Status status =
      Call(*stubs().fits, &v1::FitService::Stub::ReplayFit, request, &replay);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(replay.identical());
  EXPECT_THAT(replay.differing_fields(), IsEmpty());
}

TEST_F(Flow, ExportStreamsWhatImportStreamed) {
  const std::string study = CreateStudy("x");
  const std::vector<v1::Experiment> runs = FullPrecisionRuns(30, 30);
  grpc::ClientContext import_context;
  v1::ImportExperimentsResponse imported;
  const auto writer = stubs().experiments->ImportExperiments(&import_context, &imported);
  v1::ImportExperimentsRequest message;
  message.set_parent(study);
  for (const v1::Experiment& run : runs) {
    *message.add_experiments() = run;
    if (message.experiments_size() < 256) continue;
    ASSERT_TRUE(writer->Write(std::exchange(message, {})));
  }
  ASSERT_TRUE(writer->Write(message));
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(imported.created_count(), 900);

  grpc::ClientContext export_context;
  v1::ExportExperimentsRequest request;
  request.set_parent(study);
  const auto reader = stubs().experiments->ExportExperiments(&export_context, request);
  v1::ExportExperimentsResponse part;
  std::vector<double> losses;
  while (reader->Read(&part)) {
    EXPECT_EQ(part.revision(), imported.revision());
    for (const v1::Experiment& run : part.experiments()) losses.push_back(run.loss_nats());
  }
  ASSERT_TRUE(reader->Finish().ok());
  ASSERT_EQ(losses.size(), runs.size());
  for (size_t i = 0; i < runs.size(); ++i) EXPECT_EQ(losses[i], runs[i].loss_nats());
}

TEST_F(Flow, ImportThatBreaksOffStoresNothing) {
  const std::string study = CreateStudy("x");
  {
    grpc::ClientContext context;
    v1::ImportExperimentsResponse response;
    const auto writer = stubs().experiments->ImportExperiments(&context, &response);
    v1::ImportExperimentsRequest message;
    message.set_parent(study);
    for (const v1::Experiment& run : FullPrecisionRuns(6, 6)) *message.add_experiments() = run;
    ASSERT_TRUE(writer->Write(message));
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  StopServer();  // waits for the handler
  StartServer();
  v1::GetStudyRequest request;
  request.set_name(study);
  v1::Study stored;
  ASSERT_TRUE(Call(*stubs().studies, &v1::StudyService::Stub::GetStudy, request, &stored).ok());
  EXPECT_EQ(stored.experiment_count(), 0);
}

TEST_F(Flow, RequestIdComesBackInTheTrailers) {
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "my-call");
  v1::ListStudiesResponse response;
  ASSERT_TRUE(stubs().studies->ListStudies(&context, v1::ListStudiesRequest(), &response).ok());
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto id = trailers.find("x-request-id");
  ASSERT_NE(id, trailers.end());
  EXPECT_EQ(std::string(id->second.data(), id->second.size()), "my-call");
}

}  // namespace
}  // namespace bitbudget::integration
