// Fits and planning questions through the plain service functions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "server/compute_fit.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FieldsOf;
using testing::FullPrecisionGrid;
using testing::FullPrecisionRun;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Outcome;
using testing::ReasonOf;
using testing::ServerFixture;

class FitsAndQuestions : public ServerFixture {
 protected:
  // A study with a fit; its revision is 1.
  std::string FittedStudy() {
    std::string study = CreateStudy("x");
    EXPECT_TRUE(Await(study, Store(study, FullPrecisionGrid())).ok());
    return study;
  }
  absl::StatusOr<v1::Fit> RunFit(const v1::RunFitRequest& request) {
    return core().fits.RunFit(call_, request);
  }
  v1::RunFitRequest RunFitOf(const std::string& study) {
    v1::RunFitRequest request;
    request.set_parent(study);
    return request;
  }
  v1::PredictLossRequest LossQuestion(const std::string& study) {
    v1::PredictLossRequest request;
    request.mutable_source()->set_study(study);
    request.set_parameters(100'000'000);
    request.set_fp_tokens(10'000'000'000);
    request.set_weight_bits(16);
    return request;
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const Request& request, const CallContext& call = {}) {
    if (auto now = core().planner.TryAnswer(call, request)) return *std::move(now);
    const auto outcome = std::make_shared<Outcome<absl::StatusOr<Response>>>();
    core().planner.Ask(call, request, [outcome](absl::StatusOr<Response> response) {
      outcome->Set(std::move(response));
    });
    return outcome->Get();
  }
  absl::StatusOr<v1::PredictLossResponse> AskLoss(const v1::PredictLossRequest& request) {
    return Ask<v1::PredictLossResponse>(request);
  }
};

TEST_F(FitsAndQuestions, FitWithTheStudysOptionsBecomesCurrent) {
  const std::string study = FittedStudy();
  v1::RunFitRequest request = RunFitOf(study);
  request.mutable_options()->set_start_count(16);
  request.mutable_options()->set_full_precision_weight(1);  // the default, stated
  const auto fit = RunFit(request);
  ASSERT_TRUE(fit.ok()) << fit.status();
  EXPECT_TRUE(fit->standard_options());
  EXPECT_EQ(core().registry.Find(study)->snapshot->fit.name(), fit->name());
}

TEST_F(FitsAndQuestions, FitWithOtherOptionsNeverDoes) {
  const std::string study = FittedStudy();
  v1::RunFitRequest request = RunFitOf(study);
  request.mutable_options()->set_huber_delta(1e-3);
  const auto fit = RunFit(request);
  ASSERT_TRUE(fit.ok()) << fit.status();
  EXPECT_FALSE(fit->standard_options());
  EXPECT_EQ(fit->huber_delta(), 1e-3);
  EXPECT_NE(core().registry.Find(study)->snapshot->fit.name(), fit->name());
}

TEST_F(FitsAndQuestions, OptionsOfAFitAreCheckedAgainstTheLaw) {
  v1::RunFitRequest request = RunFitOf(FittedStudy());
  request.mutable_options()->set_variant("no_irreducible");
  EXPECT_THAT(FieldsOf(RunFit(request).status()), ElementsAre("options.variant"));
}

TEST_F(FitsAndQuestions, CancelledFitStoresNothing) {
  const std::string study = FittedStudy();
  const CallContext cancelled{.cancelled = [] { return true; }};
  EXPECT_EQ(core().fits.RunFit(cancelled, RunFitOf(study)).status().code(),
            absl::StatusCode::kCancelled);
  v1::ListFitsRequest list;
  list.set_parent(study);
  EXPECT_EQ(core().fits.ListFits(call_, list)->fits_size(), 1);
}

TEST_F(FitsAndQuestions, RepeatedRunReturnsTheFirstFit) {
  v1::RunFitRequest request = RunFitOf(FittedStudy());
  request.set_request_id("r1");
  const auto first = RunFit(request);
  const auto repeat = RunFit(request);
  ASSERT_TRUE(first.ok() && repeat.ok()) << first.status() << repeat.status();
  EXPECT_EQ(repeat->name(), first->name());
}

TEST_F(FitsAndQuestions, ColdAndWarmFitsReplayToTheSameBits) {
  const std::string study = FittedStudy();
  ASSERT_TRUE(Await(study, Store(study, {FullPrecisionRun(123'456'789, 1'000'000'000)})).ok());
  v1::ListFitsRequest list;
  list.set_parent(study);
  const auto fits = core().fits.ListFits(call_, list);
  ASSERT_EQ(fits->fits_size(), 2);
  for (const v1::Fit& fit : fits->fits()) {
    EXPECT_FALSE(fit.has_inputs()) << "lists are without inputs";
    v1::ReplayFitRequest request;
    request.set_name(fit.name());
    const auto replay = core().fits.ReplayFit(call_, request);
    ASSERT_TRUE(replay.ok()) << replay.status();
    EXPECT_TRUE(replay->identical());
    EXPECT_THAT(replay->differing_fields(), IsEmpty());
  }
}

TEST_F(FitsAndQuestions, ReplayOfAnEarlierRevisionSeesItsRows) {
  const std::string study = FittedStudy();
  v1::ExcludeExperimentsRequest exclude;
  exclude.set_parent(study);
  exclude.add_names(study + "/experiments/3");
  exclude.set_reason("diverged");
  ASSERT_TRUE(core().experiments.ExcludeExperiments(call_, exclude).ok());
  v1::ReplayFitRequest request;
  request.set_name(study + "/fits/1");
  const auto replay = core().fits.ReplayFit(call_, request);
  ASSERT_TRUE(replay.ok()) << replay.status();
  EXPECT_TRUE(replay->identical());
}

TEST_F(FitsAndQuestions, DifferingFieldsAreNamedByPath) {
  v1::Fit a;
  a.add_coefficients()->set_value(1);
  a.add_coefficients()->set_value(0.0);
  a.set_objective(2);
  v1::Fit b = a;
  b.set_name("not compared");
  b.mutable_coefficients(1)->set_value(-0.0);  // another bit
  b.set_objective(3);
  EXPECT_THAT(DifferingFields(a, b), ElementsAre("coefficients[1].value", "objective"));
  EXPECT_THAT(DifferingFields(a, a), IsEmpty());
}

TEST_F(FitsAndQuestions, AnswerSaysWhereItComesFrom) {
  const std::string study = FittedStudy();
  const auto answer = AskLoss(LossQuestion(study));
  ASSERT_TRUE(answer.ok()) << answer.status();
  // 1.8 + 400 / 1e8^.34 + 410 / 1e10^.28, known to the wobble of .2 %.
  EXPECT_NEAR(answer->loss_nats().value(), 3.2127, 0.01);
  EXPECT_LT(answer->loss_nats().lower(), answer->loss_nats().value());
  const v1::Provenance& provenance = answer->provenance();
  EXPECT_EQ(provenance.law(), "chinchilla");
  EXPECT_EQ(provenance.fit(), study + "/fits/1");
  EXPECT_EQ(provenance.revision(), 1);
  EXPECT_TRUE(provenance.extrapolation().inside_data());
  EXPECT_EQ(provenance.confidence_level(), 0.9);
}

TEST_F(FitsAndQuestions, QuestionOutsideTheDataIsFlagged) {
  v1::PredictLossRequest request = LossQuestion(FittedStudy());
  request.set_fp_tokens(10'000'000'000'000);
  const auto answer = AskLoss(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->provenance().extrapolation().inside_data());
  EXPECT_EQ(answer->provenance().extrapolation().axes(0).axis(), "total_tokens");
}

TEST_F(FitsAndQuestions, QuestionWithMinRevisionWaitsForTheRefit) {
  const std::string study = CreateStudy("x");
  v1::PredictLossRequest request = LossQuestion(study);
  request.mutable_source()->set_min_revision(Store(study, FullPrecisionGrid()));
  const auto answer = AskLoss(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->provenance().revision(), request.source().min_revision());
}

TEST_F(FitsAndQuestions, AnswerFromAnOlderFitWarns) {
  const std::string study = FittedStudy();
  core().refits.Stop();
  Store(study, {FullPrecisionRun(123'456'789, 1'000'000'000)});
  const auto answer = AskLoss(LossQuestion(study));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->provenance().revision(), 1);
  EXPECT_THAT(answer->provenance().warnings(), Contains(HasSubstr("revision 2")));
}

TEST_F(FitsAndQuestions, NamedFitAnswersWhateverTheDataSayByNow) {
  const std::string study = FittedStudy();
  ASSERT_TRUE(Await(study, Store(study, {FullPrecisionRun(123'456'789, 1'000'000'000)})).ok());
  v1::PredictLossRequest request = LossQuestion(study);
  request.mutable_source()->set_fit(study + "/fits/1");
  const auto answer = AskLoss(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->provenance().revision(), 1);
  request.mutable_source()->set_fit(study + "/fits/77");
  EXPECT_EQ(ReasonOf(AskLoss(request).status()), "FIT_NOT_FOUND");
}

TEST_F(FitsAndQuestions, FullPrecisionLawCannotSplitABudget) {
  v1::OptimizeQatFractionRequest request;
  request.mutable_source()->set_study(FittedStudy());
  request.set_parameters(100'000'000);
  request.set_weight_bits(4);
  request.set_total_tokens(1'000'000'000);
  EXPECT_EQ(Ask<v1::OptimizeQatFractionResponse>(request).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(FitsAndQuestions, GridIsTheQuestionsOneByOne) {
  const std::string study = FittedStudy();
  v1::EvaluateGridRequest request;
  request.mutable_source()->set_study(study);
  request.set_quantity(v1::EvaluateGridRequest::LOSS_NATS);
  v1::GridAxis* axis = request.add_axes();
  axis->set_variable(v1::GridAxis::FP_TOKENS);
  axis->add_values(1e9);
  axis->add_values(1e10);
  request.set_parameters(1e8);
  request.set_weight_bits(16);
  request.set_qat_fraction(0);
  const auto grid = Ask<v1::EvaluateGridResponse>(request);
  ASSERT_TRUE(grid.ok()) << grid.status();
  ASSERT_EQ(grid->values_size(), 2);
  for (int i = 0; i < 2; ++i) {
    v1::PredictLossRequest question;
    question.mutable_source()->set_study(study);
    question.set_parameters(100'000'000);
    question.set_fp_tokens(static_cast<int64_t>(axis->values(i)));
    question.set_weight_bits(16);
    const auto answer = Ask<v1::PredictLossResponse>(question);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_DOUBLE_EQ(grid->values(i), answer->loss_nats().value());
  }
}

TEST_F(FitsAndQuestions, CancelledGridEnds) {
  const std::string study = FittedStudy();
  v1::EvaluateGridRequest request;
  request.mutable_source()->set_study(study);
  request.set_quantity(v1::EvaluateGridRequest::LOSS_NATS);
  request.set_weight_bits(4);
  request.set_parameters(1e8);
  for (const auto variable : {v1::GridAxis::FP_TOKENS, v1::GridAxis::QAT_TOKENS}) {
    v1::GridAxis* axis = request.add_axes();
    axis->set_variable(variable);
    axis->set_count(500);
    axis->set_lower(1e9);
    axis->set_upper(1e12);
  }
  const CallContext cancelled{.cancelled = [] { return true; }};
  EXPECT_EQ(Ask<v1::EvaluateGridResponse>(request, cancelled).status().code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace bitbudget::server
